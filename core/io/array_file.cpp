// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/array_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

namespace bitscape::io {

namespace {

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

class FileDescriptor {
public:
    explicit FileDescriptor(int number) : m_number(number) {}
    ~FileDescriptor()
    {
        if (m_number >= 0) {
            ::close(m_number);
        }
    }
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    FileDescriptor(FileDescriptor&&) = delete;
    FileDescriptor& operator=(FileDescriptor&&) = delete;

    [[nodiscard]] int number() const { return m_number; }
    [[nodiscard]] bool isOpen() const { return m_number >= 0; }

private:
    int m_number;
};

/// Says what errno says of writing `path`.
Failure unwritten(const std::string& path, int error)
{
    const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    return fail(full ? ErrorCode::OutOfResources : ErrorCode::Io,
                "It cannot be written: " + std::generic_category().message(error) + ".", path,
                full ? "Make room on the disk."
                     : "See whether the folder exists and may be written.");
}

int writeWhole(int file, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t count = ::write(file, bytes.data(), bytes.size());
        if (count < 0) {
            if (errno == EINTR) {
                continue;
            }
            return errno;
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return 0;
}

} // namespace

namespace {

/// A plain file that is open for reading, and its size.
struct OpenFile {
    explicit OpenFile(int number) : file(number) {}

    FileDescriptor file;
    std::int64_t size = 0;
};

Result<std::unique_ptr<OpenFile>> openPlain(const std::string& path)
{
    auto opened =
        std::make_unique<OpenFile>(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat about = {};
    if (!opened->file.isOpen() || ::fstat(opened->file.number(), &about) != 0) {
        const int error = errno;
        if (error == ENOENT || error == ENOTDIR) {
            return fail(ErrorCode::NotFound, "There is no such file.", path,
                        "Check the name and the folder.");
        }
        return fail(ErrorCode::Io,
                    "It cannot be opened: " + std::generic_category().message(error) + ".", path);
    }
    if (!S_ISREG(about.st_mode)) {
        return fail(ErrorCode::Io,
                    S_ISDIR(about.st_mode) ? "It is a folder, not a file." : "It is no plain file.",
                    path);
    }
    opened->size = about.st_size;
    return opened;
}

/// The first `size` bytes, fewer if the file shrinks meanwhile.
Result<std::string> readFrom(const FileDescriptor& file, std::size_t size, const std::string& path)
{
    std::string bytes(size, '\0');
    std::size_t got = 0;
    while (got < bytes.size()) {
        const ssize_t count = ::read(file.number(), bytes.data() + got, bytes.size() - got);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return fail(ErrorCode::Io,
                        "It cannot be read: " + std::generic_category().message(errno) + ".", path);
        }
        if (count == 0) {
            break;
        }
        got += static_cast<std::size_t>(count);
    }
    bytes.resize(got);
    return bytes;
}

} // namespace

Result<std::string> readFile(const std::string& path, std::int64_t maxBytes)
{
    const auto opened = openPlain(path);
    if (!opened) {
        return fail(Error(opened.error()));
    }
    const std::int64_t size = (*opened)->size;
    if (size > maxBytes) {
        return fail(ErrorCode::OutOfResources,
                    "It has " + std::to_string(size) + " bytes, more than the " +
                        std::to_string(maxBytes) + " that are read.",
                    path);
    }
    return readFrom((*opened)->file, static_cast<std::size_t>(size), path);
}

Result<std::string> readFileStart(const std::string& path, std::size_t count)
{
    const auto opened = openPlain(path);
    if (!opened) {
        return fail(Error(opened.error()));
    }
    const auto size = static_cast<std::size_t>((*opened)->size);
    return readFrom((*opened)->file, std::min(size, count), path);
}

Result<std::size_t> fileSize(const std::string& path)
{
    const auto opened = openPlain(path);
    if (!opened) {
        return fail(Error(opened.error()));
    }
    return static_cast<std::size_t>((*opened)->size);
}

std::string partPath(const std::string& path)
{
    return path + ".part";
}

Result<void> publish(const std::string& path)
{
    const std::string part = partPath(path);
    int error = 0;
    {
        const FileDescriptor file(::open(part.c_str(), O_RDONLY | O_CLOEXEC));
        if (!file.isOpen() || ::fsync(file.number()) != 0) {
            error = errno;
        }
    }
    if (error == 0 && ::rename(part.c_str(), path.c_str()) != 0) {
        error = errno;
    }
    if (error != 0) {
        ::unlink(part.c_str());
        return unwritten(path, error);
    }
    // The new name must survive a power cut as well; a folder that cannot be synced is no failure.
    const auto folder = std::filesystem::path(path).parent_path();
    const FileDescriptor parent(
        ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent.isOpen()) {
        ::fsync(parent.number());
    }
    return {};
}

Result<void> writeFileAtomically(const std::string& path, std::string_view bytes)
{
    const std::string part = partPath(path);
    {
        const FileDescriptor file(
            ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
        if (!file.isOpen()) {
            return unwritten(path, errno);
        }
        if (const int error = writeWhole(file.number(), bytes); error != 0) {
            ::unlink(part.c_str());
            return unwritten(path, error);
        }
    }
    return publish(path);
}

namespace {

/// Inflates until the end or, with `startOnly`, until there are `maxBytes` bytes.
Result<std::string> inflateGzip(std::string_view bytes, const std::string& where,
                                std::int64_t maxBytes, bool startOnly)
{
    constexpr int kGzipOnly = 15 + 16;
    constexpr std::size_t kPiece = std::size_t{1} << 20U;
    constexpr std::size_t kUsualRatio = 16; // a claim beyond it is not believed in advance
    z_stream stream{};
    if (inflateInit2(&stream, kGzipOnly) != Z_OK) {
        return fail(ErrorCode::OutOfResources, "There is no memory to unpack it.", where);
    }
    const std::unique_ptr<z_stream, decltype(&inflateEnd)> guard(&stream, inflateEnd);
    const auto most = static_cast<std::size_t>(maxBytes);
    const std::size_t piece = startOnly ? std::min(kPiece, most) : kPiece;
    std::string out;
    out.reserve(std::min({std::size_t{gzipClaim(bytes)}, most, bytes.size() * kUsualRatio}) +
                piece);
    std::size_t fed = 0;
    while (true) {
        if (stream.avail_in == 0 && fed < bytes.size()) {
            // zlib counts in 32 bits and does not write to its input
            const std::size_t part = std::min(bytes.size() - fed, std::size_t{1} << 30U);
            stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + fed));
            stream.avail_in = static_cast<uInt>(part);
            fed += part;
        }
        const std::size_t had = out.size();
        out.resize(had + piece);
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + had);
        stream.avail_out = static_cast<uInt>(piece);
        const int status = inflate(&stream, Z_NO_FLUSH);
        out.resize(had + piece - stream.avail_out);
        const std::size_t used = fed - stream.avail_in;
        if (startOnly && out.size() >= most) {
            out.resize(most);
            return out;
        }
        if (out.size() > most) {
            return corrupt("It unpacks to more than " + std::to_string(maxBytes) + " bytes.",
                           where);
        }
        if (status == Z_STREAM_END && used == bytes.size()) {
            return out;
        }
        if (status == Z_STREAM_END) {
            inflateReset(&stream); // another member follows
        } else if (status == Z_BUF_ERROR) {
            return corrupt("The compressed data end too early.",
                           where + ", byte " + std::to_string(used));
        } else if (status != Z_OK) {
            return corrupt("The compressed data are damaged.",
                           where + ", byte " + std::to_string(used));
        }
    }
}

} // namespace

Result<std::string> gunzip(std::string_view bytes, const std::string& where, std::int64_t maxBytes)
{
    return inflateGzip(bytes, where, maxBytes, false);
}

Result<std::string> gunzipStart(std::string_view bytes, const std::string& where, std::size_t count)
{
    return inflateGzip(bytes, where, static_cast<std::int64_t>(count), true);
}

std::uint32_t gzipClaim(std::string_view bytes)
{
    std::uint32_t size = 0;
    for (std::size_t i = 0; i < 4 && bytes.size() >= 4; ++i) {
        size = (size << 8U) | static_cast<unsigned char>(bytes[bytes.size() - 1 - i]);
    }
    return size;
}

} // namespace bitscape::io
