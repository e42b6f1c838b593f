// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/io/hdf5_parts.h"

#include <algorithm>
#include <array>
#include <numeric>

// Writing: groups, attributes, data sets.
namespace bitscape::io::hdf5 {

namespace {

constexpr std::size_t kAttributeBytes = 64000; // HDF5 allows 64 KiB with the message header
constexpr hsize_t kChunkBytes = hsize_t{1} << 20U;

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

} // namespace

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

} // namespace bitscape::io::hdf5
