// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/array_file.h"
#include "core/io/zip_archive.h"

// Writes numpy's files.
namespace bitscape::io {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kHeaderAlignment = 64;

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

} // namespace

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

} // namespace bitscape::io
