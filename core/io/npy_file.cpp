// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/array_value.h"
#include "core/io/array_file.h"
#include "core/io/bytes.h"
#include "core/io/zip_archive.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

// numpy's files: .npy and .npz.
namespace bitscape::io {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxHeader = 1 << 20;
constexpr std::size_t kMaxEmptyTexts = 1U << 24U;

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
            array.values[i] = static_cast<float>(graph::fromFloat16(value.bits));
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

const ElementType* typeOf(std::string_view descr)
{
    std::string_view code = descr;
    if (!code.empty() && std::string_view("<>|=").find(code.front()) != std::string_view::npos) {
        code.remove_prefix(1);
    }
    if (code == "?") {
        code = "b1";
    }
    const auto found = std::ranges::find(kElementTypes, code, &ElementType::code);
    return found == kElementTypes.end() ? nullptr : &*found;
}

bool isSwapped(std::string_view descr)
{
    return descr.starts_with('>') && std::endian::native == std::endian::little;
}

Result<Storage> storageOf(std::string_view descr, const std::string& where)
{
    if (descr.find('O') != std::string_view::npos) {
        return fail(ErrorCode::CorruptFile,
                    "It holds pickled Python objects, which are never read.", where,
                    "Save the array with a numeric type.");
    }
    const ElementType* type = typeOf(descr);
    if (type == nullptr) {
        return corrupt("Its element type '" + std::string(descr.substr(0, 40)) + "' is no number.",
                       where);
    }
    return Storage{type, isSwapped(descr)};
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

RowRange clamped(RowRange rows, Index count)
{
    const Index first = std::min(rows.first, count);
    return {first, std::min(rows.count, count - first)};
}

struct TextType {
    bool wide = false; ///< UCS-4, as numpy's str
    bool swap = false;
    std::size_t length = 0; ///< characters
};

std::optional<TextType> textType(std::string_view descr)
{
    TextType type;
    std::string_view code = descr;
    if (!code.empty() && std::string_view("<>|=").find(code.front()) != std::string_view::npos) {
        code.remove_prefix(1);
    }
    if (code.empty() || (code.front() != 'U' && code.front() != 'S')) {
        return std::nullopt;
    }
    type.wide = code.front() == 'U';
    type.swap = isSwapped(descr);
    code.remove_prefix(1);
    const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), type.length);
    constexpr std::size_t kLongest = 1U << 20U;
    const bool whole = error == std::errc() && end == code.data() + code.size();
    return whole && type.length <= kLongest ? std::optional(type) : std::nullopt;
}

/// UTF-8 of a text in UCS-4 that ends at its first zero; what is no character becomes U+FFFD.
std::string narrow(std::string_view wide, bool swap)
{
    constexpr std::uint32_t kReplacement = 0xFFFD;
    std::string out;
    for (std::size_t at = 0; at + sizeof(std::uint32_t) <= wide.size();
         at += sizeof(std::uint32_t)) {
        auto code = load<std::uint32_t>(wide.data() + at, swap);
        if (code == 0) {
            break;
        }
        if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
            code = kReplacement;
        }
        if (code < 0x80) {
            out += static_cast<char>(code);
            continue;
        }
        const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
        constexpr std::array<std::uint32_t, 4> kLead{0, 0xC0, 0xE0, 0xF0};
        out += static_cast<char>(kLead[static_cast<std::size_t>(more)] | (code >> (6U * more)));
        for (int i = more - 1; i >= 0; --i) {
            out += static_cast<char>(0x80U | ((code >> (6U * i)) & 0x3FU));
        }
    }
    return out;
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

Array rowsOf(const Array& array, RowRange rows)
{
    std::int64_t rowSize = 1;
    for (const Index size : std::span(array.shape).subspan(1)) {
        rowSize *= size;
    }
    const auto first = rows.first * rowSize;
    const auto count = rows.count * rowSize;
    Array out{array.dtype, array.shape, {}, {}};
    out.shape.front() = rows.count;
    out.values.assign(array.values.begin() + first, array.values.begin() + first + count);
    if (!array.integers.empty()) {
        out.integers.assign(array.integers.begin() + first, array.integers.begin() + first + count);
    }
    return out;
}

Result<NpyInfo> readNpyInfo(std::string_view start, const std::string& where)
{
    ByteReader reader(start);
    auto header = readHeader(reader, where);
    if (!header) {
        return fail(std::move(header).error());
    }
    const ElementType* type = typeOf(header->descr);
    return NpyInfo{std::move(header->descr), std::move(header->shape),         header->fortranOrder,
                   type != nullptr,          type != nullptr ? type->size : 0, reader.position()};
}

Result<Array> readNpy(std::string_view bytes, const std::string& where)
{
    return readNpyRows(bytes, bytes.size(), {0, std::numeric_limits<Index>::max()}, where);
}

Result<Array> readNpyRows(std::string_view bytes, std::size_t size, RowRange rows,
                          const std::string& where)
{
    auto info = readNpyInfo(bytes, where);
    if (!info) {
        return fail(std::move(info).error());
    }
    const auto storage = storageOf(info->descr, where);
    if (!storage) {
        return fail(Error(storage.error()));
    }
    const auto count = countOf(info->shape);
    const std::size_t element = storage->type->size;
    if (!count || static_cast<std::uint64_t>(*count) > (size - info->dataAt) / element) {
        return corrupt("It ends too early: the shape " + Shape(info->shape).toString() +
                           " needs more than the " + std::to_string(size - info->dataAt) +
                           " bytes that follow.",
                       where + ", byte " + std::to_string(size));
    }
    Array array;
    array.dtype = storage->type->name;
    array.shape = info->shape;
    // Rows lie together unless the order is Fortran's; then all are read first.
    const bool reordered = info->fortranOrder && array.shape.size() > 1 && *count > 0;
    const RowRange taken = array.shape.empty() ? RowRange{} : clamped(rows, array.shape.front());
    std::size_t first = 0;
    auto wanted = static_cast<std::size_t>(*count);
    if (!array.shape.empty() && !reordered) {
        const std::size_t row =
            array.shape.front() > 0 ? wanted / static_cast<std::size_t>(array.shape.front()) : 0;
        first = static_cast<std::size_t>(taken.first) * row;
        wanted = static_cast<std::size_t>(taken.count) * row;
        array.shape.front() = taken.count;
    }
    const std::size_t from = info->dataAt + first * element;
    if (from + wanted * element > bytes.size()) {
        return corrupt("It ends too early.", where + ", byte " + std::to_string(bytes.size()));
    }
    storage->type->convert(bytes.data() + from, wanted, storage->swap, array);
    if (reordered) {
        reorder(array.values, array.shape);
        if (!array.integers.empty()) {
            reorder(array.integers, array.shape);
        }
        return rowsOf(array, taken);
    }
    return array;
}

Result<std::vector<std::string>> readNpyTexts(std::string_view bytes, const std::string& where)
{
    auto info = readNpyInfo(bytes, where);
    if (!info) {
        return fail(std::move(info).error());
    }
    const auto type = textType(info->descr);
    if (!type || info->shape.size() != 1) {
        return corrupt("Its element type '" + info->descr.substr(0, 40) + "' is no text.", where);
    }
    const std::size_t size = type->length * (type->wide ? sizeof(char32_t) : 1);
    const std::string_view data = bytes.substr(info->dataAt);
    const auto count = static_cast<std::size_t>(info->shape.front());
    if (size == 0 ? count > kMaxEmptyTexts : count > data.size() / size) {
        return corrupt("It ends too early.", where + ", byte " + std::to_string(bytes.size()));
    }
    std::vector<std::string> texts;
    texts.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::string_view item = data.substr(i * size, size);
        texts.push_back(type->wide ? narrow(item, type->swap)
                                   : std::string(item.substr(0, item.find('\0'))));
    }
    return texts;
}

Result<void> appendRaw(std::string_view bytes, std::string_view dtype, Array& array,
                       const std::string& where)
{
    const auto found = std::ranges::find(kElementTypes, dtype, &ElementType::name);
    if (found == kElementTypes.end()) {
        return fail(ErrorCode::InvalidArgument,
                    "There is no type '" + std::string(dtype) + "' of elements.", where);
    }
    if (bytes.size() % found->size != 0) {
        return corrupt("Its " + std::to_string(bytes.size()) + " bytes are no whole number of " +
                           std::string(dtype) + " values.",
                       where);
    }
    Array part;
    found->convert(bytes.data(), bytes.size() / found->size,
                   std::endian::native == std::endian::big, part);
    array.values.insert(array.values.end(), part.values.begin(), part.values.end());
    return {};
}

std::vector<std::string_view> elementTypes()
{
    std::vector<std::string_view> names;
    for (const ElementType& type : kElementTypes) {
        names.push_back(type.name);
    }
    return names;
}

std::size_t elementSize(std::string_view dtype)
{
    const auto found = std::ranges::find(kElementTypes, dtype, &ElementType::name);
    return found == kElementTypes.end() ? 0 : found->size;
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

} // namespace bitscape::io
