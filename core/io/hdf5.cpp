// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/io/hdf5_parts.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <mutex>
#include <utility>

namespace bitscape::io::hdf5 {

namespace {

static_assert(sizeof(hid_t) == sizeof(std::int64_t), "Handle stores hid_t as int64");

// Not a recursive mutex: after fork() only a plain one may be unlocked by the child's thread.
std::mutex libraryMutex;           // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
thread_local int libraryDepth = 0; // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

void describeType(hid_t type, DatasetInfo& info)
{
    const std::size_t bits = H5Tget_size(type) * 8;
    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        info.kind = ValueKind::Float;
        info.dtype = "float" + std::to_string(bits);
        return;
    case H5T_INTEGER:
        info.kind = ValueKind::Integer;
        info.dtype = (H5Tget_sign(type) == H5T_SGN_NONE ? "uint" : "int") + std::to_string(bits);
        return;
    case H5T_ENUM: // numpy's bool is an enumeration over int8
        info.kind = bits == 8 ? ValueKind::Integer : ValueKind::Other;
        info.dtype = bits == 8 ? "bool" : "other";
        return;
    case H5T_STRING:
        info.kind = ValueKind::Text;
        info.dtype = "text";
        return;
    default:
        info.kind = ValueKind::Other;
        info.dtype = "other";
    }
}

struct OpenDataset {
    Handle set;
    DatasetInfo info;
};

/// The stored bytes must be able to hold what the shape promises: DEFLATE packs at most 1032:1.
Result<void> requireStored(hid_t set, const DatasetInfo& info, std::size_t elementBytes,
                           const std::string& where)
{
    constexpr std::int64_t kFree = 1 << 20; // small datasets may consist of fill values
    constexpr std::int64_t kPacked = 1032;
    if (info.elementCount <= kFree) {
        return {};
    }
    const auto stored = static_cast<std::int64_t>(H5Dget_storage_size(set));
    const std::int64_t room = std::numeric_limits<std::int64_t>::max() / kPacked;
    const std::int64_t possible = std::min(stored, room) * kPacked;
    if (info.elementCount >
        possible / static_cast<std::int64_t>(std::max<std::size_t>(elementBytes, 1))) {
        return corrupt("It promises " + std::to_string(info.elementCount) + " values, but only " +
                           std::to_string(stored) + " bytes are stored.",
                       where);
    }
    return {};
}

constexpr const char* kBfloat16 = "bfloat16";

/// Keras stores bfloat16 as pairs of bytes and says so in an attribute.
bool isBfloat16(hid_t set, hid_t type)
{
    return H5Tget_class(type) == H5T_OPAQUE && H5Tget_size(type) == sizeof(std::uint16_t) &&
           H5Aexists(set, "dtype") > 0;
}

/// Follows `path` component by component and refuses anything but hard links, so that no file can
/// send the reader elsewhere.
Result<Handle> openChild(hid_t start, std::string_view path, const std::string& where)
{
    Handle current;
    std::size_t at = 0;
    while (at <= path.size()) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string name(path.substr(at, end - at));
        at = end + 1;
        if (name.empty() || name == ".") {
            continue;
        }
        const hid_t here = current.isValid() ? current.id() : start;
        if (current.isValid() && H5Iget_type(here) != H5I_GROUP) {
            return fail(ErrorCode::NotFound, "There is no such entry.", where);
        }
        if (H5Lexists(here, name.c_str(), H5P_DEFAULT) <= 0) {
            return fail(ErrorCode::NotFound, "There is no such entry.", where);
        }
        H5L_info_t link{};
        if (H5Lget_info(here, name.c_str(), &link, H5P_DEFAULT) < 0) {
            return corrupt("The entry cannot be read.", where);
        }
        if (link.type != H5L_TYPE_HARD) {
            return corrupt("It is a link to elsewhere, which is not followed.", where);
        }
        Handle next(H5Oopen(here, name.c_str(), H5P_DEFAULT));
        if (!next.isValid()) {
            return corrupt("The entry cannot be read.", where);
        }
        current = std::move(next);
    }
    if (!current.isValid()) {
        current = Handle(H5Gopen2(start, ".", H5P_DEFAULT));
    }
    if (!current.isValid()) {
        return corrupt("The entry cannot be read.", where);
    }
    return current;
}

Result<OpenDataset> openDataset(hid_t start, std::string_view path, const std::string& where)
{
    auto opened = openChild(start, path, where);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    if (H5Iget_type(opened->id()) != H5I_DATASET) {
        return corrupt("It is no dataset.", where);
    }
    OpenDataset found{std::move(*opened), {}};
    const Handle type(H5Dget_type(found.set.id()));
    const Handle space(H5Dget_space(found.set.id()));
    if (!type.isValid() || !space.isValid()) {
        return corrupt("The dataset cannot be read.", where);
    }
    auto shape = sizesOf(space.id(), where);
    if (!shape) {
        return fail(std::move(shape).error());
    }
    describeType(type.id(), found.info);
    if (isBfloat16(found.set.id(), type.id())) {
        found.info.kind = ValueKind::Float;
        found.info.dtype = kBfloat16;
    }
    found.info.shape = std::move(*shape);
    found.info.elementCount = countOf(found.info.shape);
    return found;
}

/// Opens a numeric dataset that is no larger than `maxElements` and backed by stored bytes.
Result<OpenDataset> openNumbers(hid_t start, std::string_view path, std::int64_t maxElements,
                                const std::string& where)
{
    auto opened = openDataset(start, path, where);
    if (!opened) {
        return opened;
    }
    const DatasetInfo& info = opened->info;
    if (info.kind != ValueKind::Float && info.kind != ValueKind::Integer) {
        return corrupt("It holds no numbers.", where);
    }
    if (info.elementCount > maxElements) {
        return corrupt("It promises " + std::to_string(info.elementCount) + " values, more than " +
                           std::to_string(maxElements) + ".",
                       where);
    }
    const Handle type(H5Dget_type(opened->set.id()));
    if (auto ok = requireStored(opened->set.id(), info, H5Tget_size(type.id()), where); !ok) {
        return fail(std::move(ok).error());
    }
    return opened;
}

Result<void> readInto(hid_t set, hid_t memoryType, void* data, const std::string& where)
{
    if (H5Dread(set, memoryType, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) {
        return corrupt("Its values cannot be read.", where);
    }
    return {};
}

herr_t collectName(hid_t /*group*/, const char* name, const H5L_info_t* /*info*/, void* list)
{
    auto& names = *static_cast<std::vector<std::string>*>(list);
    if (names.size() >= static_cast<std::size_t>(kMaxListEntries)) {
        return -1;
    }
    names.emplace_back(name);
    return 0;
}

} // namespace

Result<std::vector<Index>> sizesOf(hid_t space, const std::string& where)
{
    const H5S_class_t kind = H5Sget_simple_extent_type(space);
    if (kind == H5S_SCALAR) {
        return std::vector<Index>{};
    }
    const int rank = H5Sget_simple_extent_ndims(space);
    if (kind != H5S_SIMPLE || rank < 0 || rank > H5S_MAX_RANK) {
        return corrupt("It has no readable shape.", where);
    }
    std::vector<hsize_t> sizes(static_cast<std::size_t>(rank));
    if (rank > 0 && H5Sget_simple_extent_dims(space, sizes.data(), nullptr) != rank) {
        return corrupt("It has no readable shape.", where);
    }
    std::vector<Index> shape;
    for (const hsize_t size : sizes) {
        if (size > static_cast<hsize_t>(std::numeric_limits<std::int64_t>::max())) {
            return corrupt("Its shape is absurd.", where);
        }
        shape.push_back(static_cast<Index>(size));
    }
    return shape;
}

LibraryLock::LibraryLock(Purpose purpose)
{
    if (libraryDepth++ == 0) {
        libraryMutex.lock();
    }
    // Errors are printed per thread until told otherwise. Not touched for a fork: the library's
    // first call takes memory and dies where there is none.
    thread_local bool silent = false;
    if (purpose == Purpose::Call && !silent) {
        silent = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
    }
}

LibraryLock::~LibraryLock()
{
    if (--libraryDepth == 0) {
        libraryMutex.unlock();
    }
}

Handle::~Handle()
{
    if (m_id >= 0) {
        const LibraryLock lock;
        H5Idec_ref(m_id);
    }
}

Handle::Handle(Handle&& other) noexcept : m_id(std::exchange(other.m_id, -1)) {}

Handle& Handle::operator=(Handle&& other) noexcept
{
    std::swap(m_id, other.m_id);
    return *this;
}

std::string Group::place(std::string_view child) const
{
    return (m_path == "/" || child.empty() ? m_path : m_path + "/") + std::string(child);
}

Result<std::vector<std::string>> Group::children() const
{
    const LibraryLock lock;
    std::vector<std::string> names;
    hsize_t position = 0;
    if (H5Literate(m_handle.id(), H5_INDEX_NAME, H5_ITER_INC, &position, collectName, &names) < 0) {
        return corrupt("The group cannot be listed.", m_path);
    }
    std::ranges::sort(names);
    return names;
}

bool Group::hasGroup(std::string_view path) const
{
    const LibraryLock lock;
    const auto opened = openChild(m_handle.id(), path, place(path));
    return opened && H5Iget_type(opened->id()) == H5I_GROUP;
}

bool Group::hasDataset(std::string_view path) const
{
    const LibraryLock lock;
    const auto opened = openChild(m_handle.id(), path, place(path));
    return opened && H5Iget_type(opened->id()) == H5I_DATASET;
}

bool Group::hasAttribute(std::string_view name) const
{
    const LibraryLock lock;
    return H5Aexists(m_handle.id(), std::string(name).c_str()) > 0;
}

Result<Group> Group::group(std::string_view path) const
{
    const LibraryLock lock;
    auto opened = openChild(m_handle.id(), path, place(path));
    if (!opened) {
        return fail(std::move(opened).error());
    }
    if (H5Iget_type(opened->id()) != H5I_GROUP) {
        return corrupt("It is no group.", place(path));
    }
    return Group(std::move(*opened), place(path));
}

Result<DatasetInfo> Group::info(std::string_view path) const
{
    const LibraryLock lock;
    auto opened = openDataset(m_handle.id(), path, place(path));
    if (!opened) {
        return fail(std::move(opened).error());
    }
    return std::move(opened->info);
}

namespace {

Result<void> readBoolInto(hid_t set, const DatasetInfo& info, std::span<std::int8_t> raw,
                          const std::string& where)
{
    const Handle type(H5Dget_type(set));
    ensure(static_cast<std::int64_t>(raw.size()) == info.elementCount, "readBoolInto: wrong size");
    return readInto(set, type.id(), raw.data(), where);
}

/// HDF5 does not convert enumerations to numbers; numpy's bool is read raw.
template <class T>
Result<std::vector<T>> readValues(const OpenDataset& opened, hid_t memoryType,
                                  const std::string& where)
{
    std::vector<T> values(static_cast<std::size_t>(opened.info.elementCount));
    if (values.empty()) {
        return values;
    }
    if (opened.info.dtype == "bool") {
        std::vector<std::int8_t> raw(values.size());
        if (auto ok = readBoolInto(opened.set.id(), opened.info, raw, where); !ok) {
            return fail(std::move(ok).error());
        }
        std::ranges::transform(raw, values.begin(),
                               [](std::int8_t v) { return static_cast<T>(v); });
        return values;
    }
    if (auto ok = readInto(opened.set.id(), memoryType, values.data(), where); !ok) {
        return fail(std::move(ok).error());
    }
    return values;
}

} // namespace

Result<Tensor> Group::readTensor(std::string_view path, std::int64_t maxElements) const
{
    const LibraryLock lock;
    const std::string where = place(path);
    auto opened = openNumbers(m_handle.id(), path, maxElements, where);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    if (opened->info.shape.size() > static_cast<std::size_t>(Shape::kMaxRank)) {
        return corrupt("It has " + std::to_string(opened->info.shape.size()) + " axes.", where);
    }
    Tensor tensor{Shape(opened->info.shape)};
    if (tensor.size() == 0) {
        return tensor;
    }
    if (opened->info.dtype == "bool") {
        auto values = readValues<float>(*opened, H5T_NATIVE_FLOAT, where);
        if (!values) {
            return fail(std::move(values).error());
        }
        return Tensor(tensor.shape(), *values);
    }
    if (opened->info.dtype == kBfloat16) {
        std::vector<std::uint16_t> raw(static_cast<std::size_t>(tensor.size()));
        const Handle type(H5Dget_type(opened->set.id()));
        auto ok = readInto(opened->set.id(), type.id(), raw.data(), where);
        if (!ok) {
            return fail(std::move(ok).error());
        }
        std::ranges::transform(raw, tensor.values().begin(), [](std::uint16_t half) {
            return std::bit_cast<float>(std::uint32_t{half} << 16U);
        });
        return tensor;
    }
    if (auto ok = readInto(opened->set.id(), H5T_NATIVE_FLOAT, tensor.data(), where); !ok) {
        return fail(std::move(ok).error());
    }
    return tensor;
}

Result<Tensor> Group::readRows(std::string_view path, Index first, Index count,
                               std::int64_t maxElements) const
{
    const LibraryLock lock;
    const std::string where = place(path);
    auto opened = openNumbers(m_handle.id(), path, std::numeric_limits<std::int64_t>::max(), where);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    std::vector<Index> shape = opened->info.shape;
    ensure(!shape.empty() && first >= 0 && count >= 0 && first + count <= shape.front(),
           "readRows: no such rows");
    if (opened->info.dtype == "bool" || count == shape.front()) {
        auto all = readTensor(path, maxElements);
        if (!all || count == shape.front()) {
            return all;
        }
        const TensorView part = all->view().rows(first, count);
        return Tensor(part.shape, part.values());
    }
    if (shape.size() > static_cast<std::size_t>(Shape::kMaxRank)) {
        return corrupt("It has " + std::to_string(shape.size()) + " axes.", where);
    }
    const std::int64_t perRow = opened->info.elementCount / std::max<Index>(shape.front(), 1);
    if (count > 0 && perRow > maxElements / count) {
        return corrupt("Its rows have " + std::to_string(perRow) + " values each.", where);
    }
    shape.front() = count;
    Tensor tensor{Shape(shape)};
    if (tensor.size() == 0) {
        return tensor;
    }
    std::vector<hsize_t> start(shape.size(), 0);
    const std::vector<hsize_t> sizes(shape.begin(), shape.end());
    start.front() = static_cast<hsize_t>(first);
    const Handle inFile(H5Dget_space(opened->set.id()));
    const Handle inMemory(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr));
    if (!inFile.isValid() || !inMemory.isValid() ||
        H5Sselect_hyperslab(inFile.id(), H5S_SELECT_SET, start.data(), nullptr, sizes.data(),
                            nullptr) < 0 ||
        H5Dread(opened->set.id(), H5T_NATIVE_FLOAT, inMemory.id(), inFile.id(), H5P_DEFAULT,
                tensor.data()) < 0) {
        return corrupt("Its values cannot be read.", where);
    }
    return tensor;
}

Result<std::vector<std::int64_t>> Group::readIntegers(std::string_view path,
                                                      std::int64_t maxElements) const
{
    const LibraryLock lock;
    const std::string where = place(path);
    auto opened = openNumbers(m_handle.id(), path, maxElements, where);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    if (opened->info.kind != ValueKind::Integer) {
        return corrupt("It holds no integers.", where);
    }
    return readValues<std::int64_t>(*opened, H5T_NATIVE_INT64, where);
}

Result<std::vector<double>> Group::readDoubles(std::string_view path,
                                               std::int64_t maxElements) const
{
    const LibraryLock lock;
    const std::string where = place(path);
    auto opened = openNumbers(m_handle.id(), path, maxElements, where);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    return readValues<double>(*opened, H5T_NATIVE_DOUBLE, where);
}

Result<std::string> Group::readBytes(std::string_view path, std::int64_t maxElements) const
{
    const LibraryLock lock;
    const std::string where = place(path);
    auto opened = openNumbers(m_handle.id(), path, maxElements, where);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    if (opened->info.dtype != "uint8") {
        return corrupt("It holds no bytes.", where);
    }
    std::string bytes(static_cast<std::size_t>(opened->info.elementCount), '\0');
    if (!bytes.empty()) {
        if (auto ok = readInto(opened->set.id(), H5T_NATIVE_UINT8, bytes.data(), where); !ok) {
            return fail(std::move(ok).error());
        }
    }
    return bytes;
}

Result<std::string> Group::readText(std::string_view path) const
{
    const LibraryLock lock;
    const std::string where = place(path);
    auto opened = openDataset(m_handle.id(), path, where);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    const Handle type(H5Dget_type(opened->set.id()));
    // Strings of variable length are not written by us, and libhdf5 1.10 crashes on damaged ones.
    if (opened->info.kind != ValueKind::Text || opened->info.elementCount != 1 ||
        H5Tis_variable_str(type.id()) != 0) {
        return corrupt("It holds no text of fixed length.", where);
    }
    const std::size_t size = H5Tget_size(type.id());
    if (size == 0 || size > kMaxTextBytes || size > H5Dget_storage_size(opened->set.id())) {
        return corrupt("The text is too large.", where);
    }
    std::string text(size, '\0');
    if (auto ok = readInto(opened->set.id(), type.id(), text.data(), where); !ok) {
        return fail(std::move(ok).error());
    }
    text.resize(trimmedText(text.data(), size).size());
    return text;
}

} // namespace bitscape::io::hdf5
