// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/hdf5_parts.h"

#include <algorithm>
#include <array>

// Reading attributes.
namespace bitscape::io::hdf5 {

namespace {

/// All strings of an attribute.
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

} // namespace

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

} // namespace bitscape::io::hdf5
