// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/array_file.h"

#include "core/io/bytes.h"
#include "core/io/zip_archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <system_error>

namespace bitscape::io {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxHeader = 1 << 20;
constexpr std::size_t kHeaderAlignment = 64;

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

/// The dictionary of a .npy file.
struct Header {
    std::string descr;
    bool fortranOrder = false;
    std::vector<Index> shape;
};

/// Reads the one Python literal that a .npy header may hold, and nothing else.
class HeaderParser {
public:
    explicit HeaderParser(std::string_view text) : m_text(text) {}

    /// Empty if the text is no such dictionary.
    std::optional<Header> parse()
    {
        Header header;
        if (!accept('{')) {
            return std::nullopt;
        }
        int seen = 0;
        while (!accept('}')) {
            const auto key = string();
            if (!key || !accept(':') || !value(*key, header)) {
                return std::nullopt;
            }
            ++seen;
            if (!accept(',') && !peek('}')) {
                return std::nullopt;
            }
        }
        skip();
        return seen == 3 && m_at == m_text.size() ? std::optional(std::move(header)) : std::nullopt;
    }

private:
    bool value(std::string_view key, Header& header)
    {
        if (key == "descr") {
            auto text = string();
            header.descr = text.value_or("");
            return text.has_value();
        }
        if (key == "fortran_order") {
            const auto flag = boolean();
            header.fortranOrder = flag.value_or(false);
            return flag.has_value();
        }
        return key == "shape" && tuple(header.shape);
    }

    bool tuple(std::vector<Index>& sizes)
    {
        if (!accept('(')) {
            return false;
        }
        while (!accept(')')) {
            skip();
            std::int64_t size = 0;
            const char* begin = m_text.data() + m_at;
            const auto [end, error] = std::from_chars(begin, m_text.data() + m_text.size(), size);
            if (error != std::errc() || size < 0) {
                return false;
            }
            m_at += static_cast<std::size_t>(end - begin);
            accept('L'); // Python 2 wrote long integers so
            sizes.push_back(size);
            if (!accept(',') && !peek(')')) {
                return false;
            }
        }
        return true;
    }

    std::optional<std::string> string()
    {
        skip();
        if (m_at >= m_text.size() || (m_text[m_at] != '\'' && m_text[m_at] != '"')) {
            return std::nullopt;
        }
        const std::size_t end = m_text.find(m_text[m_at], m_at + 1);
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        std::string text(m_text.substr(m_at + 1, end - m_at - 1));
        m_at = end + 1;
        return text;
    }

    std::optional<bool> boolean()
    {
        skip();
        for (const auto& [word, flag] : {std::pair<std::string_view, bool>("False", false),
                                         std::pair<std::string_view, bool>("True", true)}) {
            if (m_text.substr(m_at).starts_with(word)) {
                m_at += word.size();
                return flag;
            }
        }
        return std::nullopt;
    }

    void skip()
    {
        while (m_at < m_text.size() &&
               std::string_view(" \t\r\n").find(m_text[m_at]) != std::string_view::npos) {
            ++m_at;
        }
    }
    bool peek(char c)
    {
        skip();
        return m_at < m_text.size() && m_text[m_at] == c;
    }
    bool accept(char c)
    {
        const bool found = peek(c);
        m_at += found ? 1 : 0;
        return found;
    }

    std::string_view m_text;
    std::size_t m_at = 0;
};

float halfToFloat(std::uint16_t bits)
{
    const float sign = (bits & 0x8000U) != 0 ? -1.0F : 1.0F;
    const int exponent = (bits >> 10U) & 31;
    const int mantissa = bits & 1023;
    if (exponent == 31) {
        return mantissa != 0 ? std::numeric_limits<float>::quiet_NaN()
                             : sign * std::numeric_limits<float>::infinity();
    }
    return exponent == 0 ? sign * std::ldexp(static_cast<float>(mantissa), -24)
                         : sign * std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
}

struct Half {
    std::uint16_t bits;
};

/// How elements of one kind are stored, and how they become numbers of ours.
struct ElementType {
    std::string_view code; ///< numpy's, without byte order
    std::string_view name;
    std::size_t size;
    bool exact; ///< keeps int64 values beside the floats
    void (*convert)(const char* data, std::size_t count, bool swap, Array& array);
};

template <class T>
T load(const char* data, bool swap)
{
    std::array<char, sizeof(T)> bytes{};
    std::memcpy(bytes.data(), data, sizeof(T));
    if (swap) {
        std::ranges::reverse(bytes);
    }
    return std::bit_cast<T>(bytes);
}

template <class T, bool exact>
void convertAll(const char* data, std::size_t count, bool swap, Array& array)
{
    array.values.resize(count);
    if constexpr (exact) {
        array.integers.resize(count);
    }
    for (std::size_t i = 0; i < count; ++i) {
        const T value = load<T>(data + i * sizeof(T), swap);
        if constexpr (std::is_same_v<T, Half>) {
            array.values[i] = halfToFloat(value.bits);
        } else {
            array.values[i] = static_cast<float>(value);
        }
        if constexpr (exact) {
            array.integers[i] = static_cast<std::int64_t>(value);
        }
    }
}

template <class T, bool exact = false>
constexpr ElementType element(std::string_view code, std::string_view name)
{
    return {code, name, sizeof(T), exact, convertAll<T, exact>};
}

constexpr std::array kElementTypes{
    element<std::uint8_t>("b1", "bool"),
    element<std::int8_t>("i1", "int8"),
    element<std::uint8_t>("u1", "uint8"),
    element<std::int16_t>("i2", "int16"),
    element<std::uint16_t>("u2", "uint16"),
    element<std::int32_t, true>("i4", "int32"),
    element<std::uint32_t, true>("u4", "uint32"),
    element<std::int64_t, true>("i8", "int64"),
    element<std::uint64_t, true>("u8", "uint64"),
    element<Half>("f2", "float16"),
    element<float>("f4", "float32"),
    element<double>("f8", "float64"),
};

struct Storage {
    const ElementType* type = nullptr;
    bool swap = false;
};

Result<Storage> storageOf(std::string_view descr, const std::string& where)
{
    if (descr.find('O') != std::string_view::npos) {
        return fail(ErrorCode::CorruptFile,
                    "It holds pickled Python objects, which are never read.", where,
                    "Save the array with a numeric type.");
    }
    Storage storage;
    std::string_view code = descr;
    if (!code.empty() && std::string_view("<>|=").find(code.front()) != std::string_view::npos) {
        storage.swap = code.front() == '>' && std::endian::native == std::endian::little;
        code.remove_prefix(1);
    }
    if (code == "?") {
        code = "b1";
    }
    const auto found = std::ranges::find(kElementTypes, code, &ElementType::code);
    if (found == kElementTypes.end()) {
        return corrupt("Its element type '" + std::string(descr.substr(0, 40)) + "' is no number.",
                       where);
    }
    storage.type = &*found;
    return storage;
}

/// Number of elements, or nothing if it does not fit in 63 bits.
std::optional<std::int64_t> countOf(std::span<const Index> shape)
{
    std::int64_t count = 1;
    for (const Index size : shape) {
        if (__builtin_mul_overflow(count, static_cast<std::int64_t>(size), &count)) {
            return std::nullopt;
        }
    }
    return count;
}

/// From column-major to row-major order.
template <class T>
void reorder(std::vector<T>& values, std::span<const Index> shape)
{
    std::vector<T> out(values.size());
    std::vector<Index> position(shape.size(), 0);
    std::vector<std::size_t> step(shape.size(), 1);
    for (std::size_t axis = 1; axis < shape.size(); ++axis) {
        step[axis] = step[axis - 1] * static_cast<std::size_t>(shape[axis - 1]);
    }
    std::size_t from = 0;
    for (T& value : out) {
        value = values[from];
        for (std::size_t axis = shape.size(); axis-- > 0;) {
            from += step[axis];
            if (++position[axis] < shape[axis]) {
                break;
            }
            from -= step[axis] * static_cast<std::size_t>(shape[axis]);
            position[axis] = 0;
        }
    }
    values = std::move(out);
}

Result<Header> readHeader(ByteReader& reader, const std::string& where)
{
    const auto magic = reader.take(kMagic.size());
    const auto major = reader.number<std::uint8_t>();
    const auto minor = reader.number<std::uint8_t>();
    if (!minor || *magic != kMagic) {
        return corrupt("It is no .npy file.", where + ", byte 0");
    }
    if (*major < 1 || *major > 3) {
        return corrupt("Version " + std::to_string(*major) + " of .npy is not known.",
                       where + ", byte 6");
    }
    std::size_t length = 0;
    if (*major == 1) {
        length = reader.number<std::uint16_t>().value_or(0);
    } else {
        length = reader.number<std::uint32_t>().value_or(0);
    }
    const std::string place = where + ", byte " + std::to_string(reader.position());
    if (length > kMaxHeader) {
        return corrupt("The header promises " + std::to_string(length) + " bytes.", place);
    }
    const auto text = reader.take(length);
    auto header = text ? HeaderParser(*text).parse() : std::nullopt;
    if (!header) {
        return corrupt("The header is damaged.", place);
    }
    if (header->shape.size() > static_cast<std::size_t>(Shape::kMaxRank)) {
        return corrupt("The array has " + std::to_string(header->shape.size()) +
                           " axes, more than " + std::to_string(Shape::kMaxRank) + ".",
                       place);
    }
    return std::move(*header);
}

std::string npyBytes(std::string_view descr, std::span<const Index> shape, const void* data,
                     std::size_t bytes)
{
    std::string dictionary =
        "{'descr': '" + std::string(descr) + "', 'fortran_order': False, 'shape': (";
    for (const Index size : shape) {
        dictionary += std::to_string(size) + (shape.size() == 1 ? "," : ", ");
    }
    if (shape.size() > 1) {
        dictionary.resize(dictionary.size() - 2);
    }
    dictionary += "), }";
    const std::size_t lead = kMagic.size() + 4;
    const std::size_t total =
        (lead + dictionary.size() + 1 + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment;
    dictionary.resize(total - lead - 1, ' ');
    dictionary += '\n';
    std::string out(kMagic);
    out += std::string("\x01\x00", 2);
    out += static_cast<char>(dictionary.size() & 255U);
    out += static_cast<char>(dictionary.size() >> 8U);
    out += dictionary;
    out.append(static_cast<const char*>(data), bytes);
    return out;
}

std::string npyBytes(TensorView tensor)
{
    return npyBytes("<f4", tensor.shape.sizes(), tensor.data,
                    static_cast<std::size_t>(tensor.size()) * sizeof(float));
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

Tensor Array::toTensor() const
{
    return Tensor(Shape(shape), values);
}

std::vector<std::int64_t> Array::toIntegers() const
{
    if (!integers.empty()) {
        return integers;
    }
    std::vector<std::int64_t> out(values.size());
    std::ranges::transform(values, out.begin(),
                           [](float value) { return static_cast<std::int64_t>(value); });
    return out;
}

bool Array::isInteger() const
{
    return !dtype.starts_with("float");
}

Result<Array> readNpy(std::string_view bytes, const std::string& where)
{
    ByteReader reader(bytes);
    auto header = readHeader(reader, where);
    if (!header) {
        return fail(std::move(header).error());
    }
    auto storage = storageOf(header->descr, where);
    if (!storage) {
        return fail(std::move(storage).error());
    }
    const auto count = countOf(header->shape);
    const std::size_t size = storage->type->size;
    if (!count || static_cast<std::uint64_t>(*count) > reader.left() / size) {
        return corrupt("It ends too early: the shape " + Shape(header->shape).toString() +
                           " needs more than the " + std::to_string(reader.left()) +
                           " bytes that follow.",
                       where + ", byte " + std::to_string(bytes.size()));
    }
    Array array;
    array.dtype = storage->type->name;
    array.shape = std::move(header->shape);
    const auto data = reader.take(static_cast<std::size_t>(*count) * size);
    storage->type->convert(data->data(), static_cast<std::size_t>(*count), storage->swap, array);
    if (header->fortranOrder && array.shape.size() > 1 && *count > 0) {
        reorder(array.values, array.shape);
        if (!array.integers.empty()) {
            reorder(array.integers, array.shape);
        }
    }
    return array;
}

Result<Array> loadNpy(const std::string& path)
{
    auto bytes = readFile(path);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    return readNpy(*bytes, path);
}

Result<std::vector<std::pair<std::string, Array>>> readNpz(std::string_view bytes,
                                                           const std::string& where)
{
    auto entries = readZip(bytes, where);
    if (!entries) {
        return fail(std::move(entries).error());
    }
    std::vector<std::pair<std::string, Array>> arrays;
    for (auto& [name, content] : *entries) {
        if (!name.ends_with(".npy")) {
            continue;
        }
        auto array = readNpy(content, where + ", " + name);
        if (!array) {
            return fail(std::move(array).error());
        }
        arrays.emplace_back(name.substr(0, name.size() - 4), std::move(*array));
        std::string().swap(content);
    }
    return arrays;
}

Result<std::vector<std::pair<std::string, Array>>> loadNpz(const std::string& path)
{
    auto bytes = readFile(path);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    return readNpz(*bytes, path);
}

Result<void> saveNpy(const std::string& path, TensorView tensor)
{
    return writeFileAtomically(path, npyBytes(tensor));
}

Result<void> saveNpyIntegers(const std::string& path, std::span<const std::int64_t> values,
                             const Shape& shape)
{
    ensure(static_cast<Index>(values.size()) == shape.elementCount(),
           "saveNpyIntegers: values do not fill the shape");
    return writeFileAtomically(
        path, npyBytes("<i8", shape.sizes(), values.data(), values.size() * sizeof(std::int64_t)));
}

Result<void> saveNpz(const std::string& path,
                     const std::vector<std::pair<std::string, TensorView>>& arrays)
{
    std::vector<std::pair<std::string, std::string>> entries;
    entries.reserve(arrays.size());
    for (const auto& [name, tensor] : arrays) {
        entries.emplace_back(name + ".npy", npyBytes(tensor));
    }
    auto bytes = writeZip(entries, path);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    return writeFileAtomically(path, *bytes);
}

Result<std::string> readFile(const std::string& path, std::int64_t maxBytes)
{
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat about = {};
    if (!file.isOpen() || ::fstat(file.number(), &about) != 0) {
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
    if (about.st_size > maxBytes) {
        return fail(ErrorCode::OutOfResources,
                    "It has " + std::to_string(about.st_size) + " bytes, more than the " +
                        std::to_string(maxBytes) + " that are read.",
                    path);
    }
    std::string bytes(static_cast<std::size_t>(about.st_size), '\0');
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
            break; // it shrank meanwhile
        }
        got += static_cast<std::size_t>(count);
    }
    bytes.resize(got);
    return bytes;
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
