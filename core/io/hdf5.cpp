// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/hdf5.h"

#include "core/base/text.h"

#include <hdf5.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <limits>
#include <mutex>
#include <numeric>
#include <utility>

namespace bitscape::io::hdf5 {

namespace {

static_assert(sizeof(hid_t) == sizeof(std::int64_t), "Handle stores hid_t as int64");

constexpr std::size_t kAttributeBytes = 64000; // HDF5 allows 64 KiB with the message header
constexpr std::size_t kMaxTextBytes = std::size_t{256} << 20U;
constexpr std::int64_t kMaxListEntries = 1 << 20;
constexpr std::size_t kImageIncrement = 1 << 16; // by which files in memory grow
constexpr hsize_t kChunkBytes = hsize_t{1} << 20U;

// Not a recursive mutex: after fork() only a plain one may be unlocked by the child's thread.
std::mutex libraryMutex;           // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
thread_local int libraryDepth = 0; // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

Failure corrupt(std::string message, std::string where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), std::move(where));
}

Failure unwritten(std::string where)
{
    return fail(ErrorCode::Io, "HDF5 could not write it.", std::move(where),
                "See whether the disk is full.");
}

/// Number of elements; saturates instead of overflowing.
std::int64_t countOf(std::span<const Index> shape)
{
    std::int64_t count = 1;
    for (const Index size : shape) {
        if (size == 0) {
            return 0;
        }
        if (count > std::numeric_limits<std::int64_t>::max() / size) {
            count = std::numeric_limits<std::int64_t>::max();
        } else {
            count *= size;
        }
    }
    return count;
}

/// Sizes of a simple or scalar data space; fails for null spaces and absurd ranks.
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

std::string trimmedText(const char* data, std::size_t size)
{
    const std::string_view text(data, size);
    return std::string(text.substr(0, text.find('\0')));
}

/// All strings of an attribute or (if `isAttribute` is false) dataset.
Result<std::vector<std::string>> readStrings(hid_t attribute, std::int64_t maxCount,
                                             const std::string& where)
{
    const Handle type(H5Aget_type(attribute));
    const Handle space(H5Aget_space(attribute));
    if (!type.isValid() || !space.isValid()) {
        return corrupt("The attribute cannot be read.", where);
    }
    auto shape = sizesOf(space.id(), where);
    if (!shape) {
        return fail(std::move(shape).error());
    }
    const std::int64_t count = countOf(*shape);
    if (count == 0) {
        return std::vector<std::string>{};
    }
    if (H5Tget_class(type.id()) != H5T_STRING) {
        return corrupt("The attribute holds no text.", where);
    }
    if (count > maxCount) {
        return corrupt("The attribute has " + std::to_string(count) + " entries.", where);
    }
    std::vector<std::string> texts;
    if (H5Tis_variable_str(type.id()) > 0) {
        const Handle memory(H5Tcopy(H5T_C_S1));
        H5Tset_size(memory.id(), H5T_VARIABLE);
        H5Tset_cset(memory.id(), H5Tget_cset(type.id()));
        std::vector<char*> pointers(static_cast<std::size_t>(count), nullptr);
        if (H5Aread(attribute, memory.id(), static_cast<void*>(pointers.data())) < 0) {
            return corrupt("The attribute cannot be read.", where);
        }
        std::size_t total = 0;
        for (const char* text : pointers) {
            texts.emplace_back(text == nullptr ? "" : text);
            total += texts.back().size();
        }
        H5Dvlen_reclaim(memory.id(), space.id(), H5P_DEFAULT, static_cast<void*>(pointers.data()));
        if (total > kMaxTextBytes) {
            return corrupt("The attribute is too large.", where);
        }
        return texts;
    }
    const std::size_t size = H5Tget_size(type.id());
    if (size == 0 || size > kMaxTextBytes / static_cast<std::size_t>(count)) {
        return corrupt("The attribute is too large.", where);
    }
    std::vector<char> bytes(size * static_cast<std::size_t>(count));
    if (H5Aread(attribute, type.id(), bytes.data()) < 0) {
        return corrupt("The attribute cannot be read.", where);
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        texts.push_back(trimmedText(bytes.data() + i * size, size));
    }
    return texts;
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

Handle fileAccess(Format format)
{
    Handle access(H5Pcreate(H5P_FILE_ACCESS));
    H5Pset_libver_bounds(access.id(),
                         format == Format::V110 ? H5F_LIBVER_V110 : H5F_LIBVER_EARLIEST,
                         H5F_LIBVER_V110);
    return access;
}

Handle fixedText(std::size_t size)
{
    Handle type(H5Tcopy(H5T_C_S1));
    H5Tset_size(type.id(), std::max<std::size_t>(size, 1));
    H5Tset_strpad(type.id(), H5T_STR_NULLPAD);
    H5Tset_cset(type.id(), H5T_CSET_UTF8);
    return type;
}

Result<void> writeAttribute(hid_t owner, std::string_view name, hid_t type, hid_t memoryType,
                            hid_t space, const void* data, const std::string& where)
{
    const std::string key(name);
    if (H5Aexists(owner, key.c_str()) > 0 && H5Adelete(owner, key.c_str()) < 0) {
        return unwritten(where);
    }
    const Handle attribute(H5Acreate2(owner, key.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT));
    if (!attribute.isValid() || H5Awrite(attribute.id(), memoryType, data) < 0) {
        return unwritten(where);
    }
    return {};
}

Handle scalarSpace()
{
    return Handle(H5Screate(H5S_SCALAR));
}

Handle simpleSpace(std::span<const Index> shape)
{
    if (shape.empty()) {
        return scalarSpace();
    }
    const std::vector<hsize_t> sizes(shape.begin(), shape.end());
    return Handle(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr));
}

/// Whole inner axes, cut along the outermost one so that a chunk stays near kChunkBytes.
std::vector<hsize_t> chunkFor(std::span<const Index> shape, std::size_t elementBytes)
{
    std::vector<hsize_t> chunk(shape.begin(), shape.end());
    for (std::size_t axis = 0; axis < chunk.size(); ++axis) {
        const hsize_t inner =
            std::accumulate(chunk.begin() + static_cast<std::ptrdiff_t>(axis) + 1, chunk.end(),
                            hsize_t{elementBytes}, [](hsize_t a, hsize_t b) { return a * b; });
        chunk[axis] = std::clamp<hsize_t>(kChunkBytes / inner, 1, chunk[axis]);
        if (inner <= kChunkBytes) {
            break;
        }
    }
    return chunk;
}

/// Opens the group at `path`, making what is missing. Not left to the library's own option, whose
/// intermediate groups would carry the time.
Result<Handle> makeGroups(hid_t start, std::string_view path, const std::string& where)
{
    const Handle creation(H5Pcreate(H5P_GROUP_CREATE));
    H5Pset_obj_track_times(creation.id(), static_cast<hbool_t>(false));
    Handle current(H5Gopen2(start, ".", H5P_DEFAULT));
    for (const std::string& name : split(path, '/')) {
        if (name.empty()) {
            continue;
        }
        const bool exists = H5Lexists(current.id(), name.c_str(), H5P_DEFAULT) > 0;
        Handle next(exists ? H5Gopen2(current.id(), name.c_str(), H5P_DEFAULT)
                           : H5Gcreate2(current.id(), name.c_str(), H5P_DEFAULT, creation.id(),
                                        H5P_DEFAULT));
        if (!next.isValid()) {
            return unwritten(where);
        }
        current = std::move(next);
    }
    return current;
}

Result<void> writeNumbers(hid_t owner, std::string_view path, hid_t fileType, hid_t memoryType,
                          const void* data, std::span<const Index> shape, Storage storage,
                          const std::string& where)
{
    const std::size_t slash = path.rfind('/');
    auto parent =
        makeGroups(owner, path.substr(0, slash == std::string_view::npos ? 0 : slash), where);
    if (!parent) {
        return fail(std::move(parent).error());
    }
    const std::string name(path.substr(slash == std::string_view::npos ? 0 : slash + 1));
    const Handle space = simpleSpace(shape);
    const Handle creation(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_obj_track_times(creation.id(), static_cast<hbool_t>(false));
    if (storage != Storage::Plain && !shape.empty() && countOf(shape) > 0) {
        const std::vector<hsize_t> chunk = chunkFor(shape, H5Tget_size(fileType));
        H5Pset_chunk(creation.id(), static_cast<int>(chunk.size()), chunk.data());
        if (storage == Storage::Compressed) {
            constexpr unsigned kDeflateLevel = 4;
            H5Pset_shuffle(creation.id());
            H5Pset_deflate(creation.id(), kDeflateLevel);
        }
        H5Pset_fletcher32(creation.id());
    }
    const Handle set(H5Dcreate2(parent->id(), name.c_str(), fileType, space.id(), H5P_DEFAULT,
                                creation.id(), H5P_DEFAULT));
    if (!set.isValid()) {
        return unwritten(where);
    }
    if (countOf(shape) > 0 &&
        H5Dwrite(set.id(), memoryType, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) {
        return unwritten(where);
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

namespace {

Result<std::vector<std::string>> attributeTexts(hid_t owner, std::string_view name,
                                                const std::string& where)
{
    const std::string key(name);
    if (H5Aexists(owner, key.c_str()) <= 0) {
        return fail(ErrorCode::NotFound, "There is no such attribute.", where);
    }
    const Handle attribute(H5Aopen(owner, key.c_str(), H5P_DEFAULT));
    if (!attribute.isValid()) {
        return corrupt("The attribute cannot be read.", where);
    }
    return readStrings(attribute.id(), kMaxListEntries, where);
}

/// A scalar or one-element numeric attribute.
Result<void> readScalar(hid_t owner, std::string_view name, hid_t memoryType, void* value,
                        const std::string& where)
{
    const std::string key(name);
    if (H5Aexists(owner, key.c_str()) <= 0) {
        return fail(ErrorCode::NotFound, "There is no such attribute.", where);
    }
    const Handle attribute(H5Aopen(owner, key.c_str(), H5P_DEFAULT));
    const Handle type(H5Aget_type(attribute.id()));
    const Handle space(H5Aget_space(attribute.id()));
    const H5T_class_t kind = H5Tget_class(type.id());
    if (!attribute.isValid() || (kind != H5T_INTEGER && kind != H5T_FLOAT) ||
        H5Sget_simple_extent_npoints(space.id()) != 1 ||
        H5Aread(attribute.id(), memoryType, value) < 0) {
        return corrupt("The attribute is no number.", where);
    }
    return {};
}

} // namespace

Result<std::string> Group::text(std::string_view name) const
{
    const LibraryLock lock;
    const std::string where = place("@" + std::string(name));
    auto texts = attributeTexts(m_handle.id(), name, where);
    if (!texts) {
        return fail(std::move(texts).error());
    }
    if (texts->size() != 1) {
        return corrupt("The attribute holds " + std::to_string(texts->size()) +
                           " texts instead of one.",
                       where);
    }
    return std::move(texts->front());
}

Result<std::vector<std::string>> Group::texts(std::string_view name) const
{
    const LibraryLock lock;
    const std::string where = place("@" + std::string(name));
    if (H5Aexists(m_handle.id(), std::string(name).c_str()) > 0) {
        return attributeTexts(m_handle.id(), name, where);
    }
    std::vector<std::string> all;
    for (int part = 0;; ++part) {
        const std::string key = std::string(name) + std::to_string(part);
        if (H5Aexists(m_handle.id(), key.c_str()) <= 0) {
            break;
        }
        auto texts = attributeTexts(m_handle.id(), key, where);
        if (!texts) {
            return texts;
        }
        std::ranges::move(*texts, std::back_inserter(all));
        if (all.size() > static_cast<std::size_t>(kMaxListEntries)) {
            return corrupt("The attribute has too many entries.", where);
        }
    }
    if (all.empty()) {
        return fail(ErrorCode::NotFound, "There is no such attribute.", where);
    }
    return all;
}

Result<std::int64_t> Group::integer(std::string_view name) const
{
    const LibraryLock lock;
    std::int64_t value = 0;
    auto ok =
        readScalar(m_handle.id(), name, H5T_NATIVE_INT64, &value, place("@" + std::string(name)));
    if (!ok) {
        return fail(std::move(ok).error());
    }
    return value;
}

Result<double> Group::real(std::string_view name) const
{
    const LibraryLock lock;
    double value = 0;
    auto ok =
        readScalar(m_handle.id(), name, H5T_NATIVE_DOUBLE, &value, place("@" + std::string(name)));
    if (!ok) {
        return fail(std::move(ok).error());
    }
    return value;
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

Result<Group> Group::makeGroup(std::string_view path)
{
    const LibraryLock lock;
    const std::string where = place(path);
    auto made = makeGroups(m_handle.id(), path, where);
    if (!made) {
        return fail(std::move(made).error());
    }
    return Group(std::move(*made), where);
}

Result<void> Group::setText(std::string_view name, std::string_view text)
{
    ensure(text.size() <= kAttributeBytes, "hdf5: a text attribute above 64,000 bytes");
    const LibraryLock lock;
    const Handle type = fixedText(text.size());
    const Handle space = scalarSpace();
    const std::string padded = text.empty() ? std::string(1, '\0') : std::string(text);
    return writeAttribute(m_handle.id(), name, type.id(), type.id(), space.id(), padded.data(),
                          place("@" + std::string(name)));
}

Result<void> Group::setLongText(std::string_view name, std::string_view text)
{
    const LibraryLock lock;
    const Handle type(H5Tcopy(H5T_C_S1));
    H5Tset_size(type.id(), H5T_VARIABLE);
    H5Tset_cset(type.id(), H5T_CSET_UTF8);
    const Handle space = scalarSpace();
    const std::string copy(text);
    const char* pointer = copy.c_str();
    return writeAttribute(m_handle.id(), name, type.id(), type.id(), space.id(),
                          static_cast<const void*>(&pointer), place("@" + std::string(name)));
}

namespace {

Result<void> writeTextList(hid_t owner, std::string_view name, std::span<const std::string> texts,
                           const std::string& where)
{
    if (texts.empty()) {
        const std::array<Index, 1> none{0};
        const Handle space = simpleSpace(none);
        return writeAttribute(owner, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, space.id(), &none,
                              where);
    }
    std::size_t width = 1;
    for (const std::string& text : texts) {
        width = std::max(width, text.size());
    }
    std::string bytes;
    for (const std::string& text : texts) {
        bytes += text + std::string(width - text.size(), '\0');
    }
    const Handle type = fixedText(width);
    const std::array<Index, 1> count{static_cast<Index>(texts.size())};
    const Handle space = simpleSpace(count);
    return writeAttribute(owner, name, type.id(), type.id(), space.id(), bytes.data(), where);
}

} // namespace

Result<void> Group::setTexts(std::string_view name, std::span<const std::string> texts)
{
    const LibraryLock lock;
    const std::string where = place("@" + std::string(name));
    std::size_t width = 1;
    for (const std::string& text : texts) {
        width = std::max(width, text.size());
    }
    ensure(width <= kAttributeBytes, "hdf5: a text attribute above 64,000 bytes");
    if (width * texts.size() <= kAttributeBytes) {
        return writeTextList(m_handle.id(), name, texts, where);
    }
    const std::size_t perPart = kAttributeBytes / width;
    int part = 0;
    for (std::size_t first = 0; first < texts.size(); first += perPart) {
        const std::size_t count = std::min(perPart, texts.size() - first);
        auto ok = writeTextList(m_handle.id(), std::string(name) + std::to_string(part++),
                                texts.subspan(first, count), where);
        if (!ok) {
            return ok;
        }
    }
    return {};
}

Result<void> Group::setInteger(std::string_view name, std::int64_t value)
{
    const LibraryLock lock;
    const Handle space = scalarSpace();
    return writeAttribute(m_handle.id(), name, H5T_STD_I64LE, H5T_NATIVE_INT64, space.id(), &value,
                          place("@" + std::string(name)));
}

Result<void> Group::setReal(std::string_view name, double value)
{
    const LibraryLock lock;
    const Handle space = scalarSpace();
    return writeAttribute(m_handle.id(), name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, space.id(),
                          &value, place("@" + std::string(name)));
}

Result<void> Group::write(std::string_view path, TensorView tensor, Storage storage)
{
    const LibraryLock lock;
    return writeNumbers(m_handle.id(), path, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, tensor.data,
                        tensor.shape.sizes(), storage, place(path));
}

Result<void> Group::writeDoubles(std::string_view path, std::span<const double> values,
                                 std::span<const Index> shape, Storage storage)
{
    const LibraryLock lock;
    ensure(static_cast<std::int64_t>(values.size()) == countOf(shape), "hdf5: shape and values");
    return writeNumbers(m_handle.id(), path, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values.data(),
                        shape, storage, place(path));
}

Result<void> Group::writeIntegers(std::string_view path, std::span<const std::int64_t> values,
                                  std::span<const Index> shape, Storage storage)
{
    const LibraryLock lock;
    ensure(static_cast<std::int64_t>(values.size()) == countOf(shape), "hdf5: shape and values");
    return writeNumbers(m_handle.id(), path, H5T_STD_I64LE, H5T_NATIVE_INT64, values.data(), shape,
                        storage, place(path));
}

Result<void> Group::writeBytes(std::string_view path, std::string_view bytes, Storage storage)
{
    const std::array<Index, 1> shape{static_cast<Index>(bytes.size())};
    return writeBytes(path, bytes, shape, storage);
}

Result<void> Group::writeText(std::string_view path, std::string_view text)
{
    const LibraryLock lock;
    const Handle type = fixedText(text.size());
    const std::string padded = text.empty() ? std::string(1, '\0') : std::string(text);
    return writeNumbers(m_handle.id(), path, type.id(), type.id(), padded.data(), {},
                        Storage::Plain, place(path));
}

Result<void> Group::writeBytes(std::string_view path, std::string_view bytes,
                               std::span<const Index> shape, Storage storage)
{
    const LibraryLock lock;
    ensure(static_cast<std::int64_t>(bytes.size()) == countOf(shape), "hdf5: shape and values");
    return writeNumbers(m_handle.id(), path, H5T_STD_U8LE, H5T_NATIVE_UINT8, bytes.data(), shape,
                        storage, place(path));
}

File::File(Handle file, Handle root, std::string path)
    : Group(std::move(root), "/"), m_file(std::move(file)), m_name(std::move(path))
{
}

Result<File> File::open(const std::string& path)
{
    const LibraryLock lock;
    if (::access(path.c_str(), F_OK) != 0) {
        return fail(ErrorCode::NotFound, "There is no such file.", path);
    }
    const Handle access = fileAccess(Format::Earliest);
    // Locks fail on some network shares; a reader of files that are replaced whole needs none.
    H5Pset_file_locking(access.id(), static_cast<hbool_t>(false), static_cast<hbool_t>(true));
    Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.id()));
    Handle root(file.isValid() ? H5Gopen2(file.id(), "/", H5P_DEFAULT) : hid_t{-1});
    if (!root.isValid()) {
        return corrupt("It is no readable HDF5 file.", path);
    }
    return File(std::move(file), std::move(root), path);
}

namespace {

/// Properties of files that depend on nothing but their content.
Handle timelessCreation()
{
    Handle creation(H5Pcreate(H5P_FILE_CREATE));
    H5Pset_obj_track_times(creation.id(), static_cast<hbool_t>(false));
    return creation;
}

/// A name of its own: the library hands out an image that is open under the same name again.
std::string imageName()
{
    static std::atomic<std::uint64_t> opened{0};
    return "image " + std::to_string(++opened);
}

} // namespace

Result<File> File::openBytes(std::string_view bytes, const std::string& where)
{
    const LibraryLock lock;
    const Handle access = fileAccess(Format::Earliest);
    // The image is copied by the library, which only promises not to write to it.
    if (bytes.empty() ||
        H5Pset_fapl_core(access.id(), kImageIncrement, static_cast<hbool_t>(false)) < 0 ||
        H5Pset_file_image(access.id(), const_cast<char*>(bytes.data()), bytes.size()) < 0) {
        return corrupt("It is no readable HDF5 file.", where);
    }
    Handle file(H5Fopen(imageName().c_str(), H5F_ACC_RDONLY, access.id()));
    Handle root(file.isValid() ? H5Gopen2(file.id(), "/", H5P_DEFAULT) : hid_t{-1});
    if (!root.isValid()) {
        return corrupt("It is no readable HDF5 file.", where);
    }
    return File(std::move(file), std::move(root), where);
}

Result<File> File::create(const std::string& path, Format format, std::int64_t userBlock)
{
    const LibraryLock lock;
    const Handle creation = timelessCreation();
    const Handle access = fileAccess(format);
    ensure(H5Pset_userblock(creation.id(), static_cast<hsize_t>(userBlock)) >= 0,
           "hdf5: user blocks have 0, 512, 1024, … bytes");
    Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()));
    Handle root(file.isValid() ? H5Gopen2(file.id(), "/", H5P_DEFAULT) : hid_t{-1});
    if (!root.isValid()) {
        return fail(ErrorCode::Io, "The file cannot be made.", path,
                    "See whether the folder exists and may be written.");
    }
    return File(std::move(file), std::move(root), path);
}

Result<File> File::createInMemory(Format format, const std::string& where)
{
    const LibraryLock lock;
    const Handle creation = timelessCreation();
    const Handle access = fileAccess(format);
    H5Pset_fapl_core(access.id(), kImageIncrement, static_cast<hbool_t>(false));
    Handle file(H5Fcreate(imageName().c_str(), H5F_ACC_TRUNC, creation.id(), access.id()));
    Handle root(file.isValid() ? H5Gopen2(file.id(), "/", H5P_DEFAULT) : hid_t{-1});
    if (!root.isValid()) {
        return fail(ErrorCode::OutOfResources, "The HDF5 content cannot be made in memory.", where);
    }
    return File(std::move(file), std::move(root), where);
}

Result<std::string> File::image()
{
    const LibraryLock lock;
    static_cast<Group&>(*this) = Group();
    const bool flushed = H5Fflush(m_file.id(), H5F_SCOPE_GLOBAL) >= 0;
    const ssize_t size = flushed ? H5Fget_file_image(m_file.id(), nullptr, 0) : -1;
    std::string bytes(size < 0 ? 0 : static_cast<std::size_t>(size), '\0');
    if (bytes.empty() || H5Fget_file_image(m_file.id(), bytes.data(), bytes.size()) != size) {
        return unwritten(m_name);
    }
    return bytes;
}

Result<void> File::close()
{
    const LibraryLock lock;
    static_cast<Group&>(*this) = Group();
    if (!m_file.isValid()) {
        return {};
    }
    ensure(H5Fget_obj_count(m_file.id(), H5F_OBJ_ALL) == 1, "hdf5: close() with groups alive");
    const bool flushed = H5Fflush(m_file.id(), H5F_SCOPE_GLOBAL) >= 0;
    const bool closed = H5Fclose(m_file.release()) >= 0;
    if (!flushed || !closed) {
        return unwritten(m_name);
    }
    return {};
}

} // namespace bitscape::io::hdf5
