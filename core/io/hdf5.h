// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/tensor/tensor.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The only door to libhdf5: owning handles, every status checked, its error printing off, every
// size bounded before memory is taken. Foreign files are read inside io::isolated(), as the library
// itself can crash on crafted input.
namespace bitscape::io::hdf5 {

/// Serialises all use of the library in this process; taken by every function below. Held around
/// fork() so that a child never inherits the library in the middle of a call. Reentrant.
class LibraryLock {
public:
    enum class Purpose { Call, Fork };
    explicit LibraryLock(Purpose purpose = Purpose::Call);
    ~LibraryLock();
    LibraryLock(const LibraryLock&) = delete;
    LibraryLock& operator=(const LibraryLock&) = delete;
    LibraryLock(LibraryLock&&) = delete;
    LibraryLock& operator=(LibraryLock&&) = delete;
};

/// Owns an identifier of the library; closing is the library's business whatever its kind.
class Handle {
public:
    Handle() = default;
    explicit Handle(std::int64_t id) : m_id(id) {}
    ~Handle();
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    Handle(Handle&& other) noexcept;
    Handle& operator=(Handle&& other) noexcept;

    [[nodiscard]] bool isValid() const { return m_id >= 0; }
    [[nodiscard]] std::int64_t id() const { return m_id; }
    /// Gives the identifier up; the caller closes it.
    [[nodiscard]] std::int64_t release() { return std::exchange(m_id, -1); }

private:
    std::int64_t m_id = -1;
};

enum class ValueKind { Float, Integer, Text, Other };

struct DatasetInfo {
    ValueKind kind = ValueKind::Other;
    std::string dtype; ///< numpy's word: "float32", "uint8"; "text" or "other"
    std::vector<Index> shape;
    std::int64_t elementCount = 0; ///< product of shape, saturated
};

/// How a dataset is laid out.
enum class Storage {
    Plain,      ///< contiguous, as Keras writes
    Checked,    ///< chunked with a Fletcher-32 sum per chunk, verified at every read
    Compressed, ///< Checked and deflated (shuffled, level 4): for histograms and other sparse
                ///< tables
};

/// Sanity bound for one dataset: 2^28 elements.
inline constexpr std::int64_t kMaxElements = std::int64_t{1} << 28;

/// A group of a file; the file's root for File. `path` names a child, several levels deep with
/// "/"; only hard links are followed (others are CorruptFile). Errors name the path.
/// NotFound: no such child or attribute. CorruptFile: damaged, of another type, or larger than
/// asked for. Io: writing failed.
class Group {
public:
    Group() = default;
    Group(Handle handle, std::string path) : m_handle(std::move(handle)), m_path(std::move(path)) {}

    [[nodiscard]] const std::string& path() const { return m_path; }

    /// Names of all children, sorted.
    [[nodiscard]] Result<std::vector<std::string>> children() const;
    [[nodiscard]] bool hasGroup(std::string_view path) const;
    [[nodiscard]] bool hasDataset(std::string_view path) const;
    [[nodiscard]] bool hasAttribute(std::string_view name) const;
    [[nodiscard]] Result<Group> group(std::string_view path) const;

    /// Scalar (or one-element) string of fixed or variable length; at most 256 MiB.
    [[nodiscard]] Result<std::string> text(std::string_view name) const;
    /// One-dimensional list of strings, fixed or variable length. An empty list may have any type
    /// (numpy writes float64). Lists split over `name0`, `name1`, … are joined.
    [[nodiscard]] Result<std::vector<std::string>> texts(std::string_view name) const;
    [[nodiscard]] Result<std::int64_t> integer(std::string_view name) const;
    [[nodiscard]] Result<double> real(std::string_view name) const;

    [[nodiscard]] Result<DatasetInfo> info(std::string_view path) const;
    /// Any integer or float type, converted to float32; rank 0 … Shape::kMaxRank.
    [[nodiscard]] Result<Tensor> readTensor(std::string_view path,
                                            std::int64_t maxElements = kMaxElements) const;
    /// Rows first … first+count−1 of the outermost axis, which has that many.
    [[nodiscard]] Result<Tensor> readRows(std::string_view path, Index first, Index count,
                                          std::int64_t maxElements = kMaxElements) const;
    /// Integer types only, converted to int64.
    [[nodiscard]] Result<std::vector<std::int64_t>>
    readIntegers(std::string_view path, std::int64_t maxElements = kMaxElements) const;
    /// Any integer or float type, converted to float64.
    [[nodiscard]] Result<std::vector<double>>
    readDoubles(std::string_view path, std::int64_t maxElements = kMaxElements) const;
    /// Bytes of a one-dimensional uint8 dataset.
    [[nodiscard]] Result<std::string>
    readBytes(std::string_view path, std::int64_t maxElements = std::int64_t{1} << 31) const;
    /// Scalar dataset of a fixed-length string, as writeText() makes it; at most 256 MiB.
    [[nodiscard]] Result<std::string> readText(std::string_view path) const;

    /// Makes missing groups on the way.
    [[nodiscard]] Result<Group> makeGroup(std::string_view path);
    /// Fixed-length UTF-8 string, at most 64,000 bytes; longer texts belong into datasets.
    [[nodiscard]] Result<void> setText(std::string_view name, std::string_view text);
    /// Variable-length UTF-8 string of any length, as Keras writes its model_config.
    [[nodiscard]] Result<void> setLongText(std::string_view name, std::string_view text);
    /// One-dimensional array of fixed-length strings; split over `name0`, … above 64,000 bytes; an
    /// empty list becomes an empty float64 array, as with numpy.
    [[nodiscard]] Result<void> setTexts(std::string_view name, std::span<const std::string> texts);
    [[nodiscard]] Result<void> setInteger(std::string_view name, std::int64_t value);
    [[nodiscard]] Result<void> setReal(std::string_view name, double value);

    /// Stored little-endian as float32, float64, int64, uint8. Groups on the way are made.
    [[nodiscard]] Result<void> write(std::string_view path, TensorView tensor, Storage storage);
    [[nodiscard]] Result<void> writeDoubles(std::string_view path, std::span<const double> values,
                                            std::span<const Index> shape, Storage storage);
    [[nodiscard]] Result<void> writeIntegers(std::string_view path,
                                             std::span<const std::int64_t> values,
                                             std::span<const Index> shape, Storage storage);
    [[nodiscard]] Result<void> writeBytes(std::string_view path, std::string_view bytes,
                                          Storage storage);
    [[nodiscard]] Result<void> writeBytes(std::string_view path, std::string_view bytes,
                                          std::span<const Index> shape, Storage storage);
    /// Scalar dataset holding a fixed-length UTF-8 string without NUL: for texts of any length.
    [[nodiscard]] Result<void> writeText(std::string_view path, std::string_view text);

private:
    [[nodiscard]] std::string place(std::string_view child) const;

    Handle m_handle;
    std::string m_path = "/";
};

enum class Format {
    Earliest, ///< what Keras writes and every reader opens
    V110,     ///< checksummed metadata; for our own files
};

/// An open file: its root group. Nothing in it depends on the time of writing: the same content
/// gives the same bytes.
class File : public Group {
public:
    /// Read only. NotFound, Io, CorruptFile.
    [[nodiscard]] static Result<File> open(const std::string& path);
    /// Read only, from memory; a user block may lead the bytes. `where` names it in errors.
    [[nodiscard]] static Result<File> openBytes(std::string_view bytes, const std::string& where);
    /// Makes or replaces `path`. userBlock: bytes left free at the start (0, 512, 1024, …).
    /// To save atomically, write to partPath(path), close() and publish() (core/io/array_file.h).
    [[nodiscard]] static Result<File> create(const std::string& path, Format format,
                                             std::int64_t userBlock = 0);

    /// A new file in memory; image() gives its bytes. `where` names it in errors.
    [[nodiscard]] static Result<File> createInMemory(Format format, const std::string& where);
    /// The bytes of a file made in memory, complete. No groups of it may be alive.
    [[nodiscard]] Result<std::string> image();

    /// Writes everything out; the destructor does too but cannot say that it failed. No groups of
    /// this file may be alive.
    [[nodiscard]] Result<void> close();

private:
    File(Handle file, Handle root, std::string path);

    Handle m_file;
    std::string m_name;
};

} // namespace bitscape::io::hdf5
