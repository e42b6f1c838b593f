// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/hdf5_parts.h"

#include <unistd.h>

#include <atomic>
#include <utility>

// Files on disk and in memory.
namespace bitscape::io::hdf5 {

namespace {

constexpr std::size_t kImageIncrement = 1 << 16; // by which files in memory grow

Handle fileAccess(Format format)
{
    Handle access(H5Pcreate(H5P_FILE_ACCESS));
    H5Pset_libver_bounds(access.id(),
                         format == Format::V110 ? H5F_LIBVER_V110 : H5F_LIBVER_EARLIEST,
                         H5F_LIBVER_V110);
    return access;
}

} // namespace

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
