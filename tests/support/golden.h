// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Reads the vectors of ../shared/golden for tests: HDF5 files with one group per case, numbers in
// datasets, settings in attributes. Header only, HDF5's C interface; link hdf5::hdf5.
// Attributes are opened by name only: those of Python's bool carry a newer type encoding that
// libhdf5 1.10 cannot decode, and listing the attributes of a group would stop at them.

#include "core/tensor/tensor.h"

#include <hdf5.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bitscape::golden {

/// Owner of an HDF5 identifier; H5Idec_ref closes objects of every kind.
class Handle {
public:
    explicit Handle(hid_t id) : m_id(id) {}
    ~Handle()
    {
        if (m_id >= 0) {
            H5Idec_ref(m_id);
        }
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    Handle(Handle&& other) noexcept : m_id(other.m_id) { other.m_id = H5I_INVALID_HID; }
    Handle& operator=(Handle&& other) noexcept
    {
        std::swap(m_id, other.m_id);
        return *this;
    }

    [[nodiscard]] hid_t id() const { return m_id; }
    explicit operator bool() const { return m_id >= 0; }

private:
    hid_t m_id;
};

/// Integers as stored, with their shape.
struct Integers {
    std::vector<std::int64_t> values;
    std::vector<Index> shape;
};

/// A group: a case, or a part of one. Missing things are nullopt; unreadable ones throw
/// std::runtime_error, which fails the test.
class Group {
public:
    Group(Handle handle, std::string name) : m_handle(std::move(handle)), m_name(std::move(name)) {}

    [[nodiscard]] const std::string& name() const { return m_name; }

    /// Names of groups and datasets inside, in alphabetical order.
    [[nodiscard]] std::vector<std::string> names() const
    {
        std::vector<std::string> out;
        const auto visit = [](hid_t, const char* name, const H5L_info_t*, void* list) -> herr_t {
            static_cast<std::vector<std::string>*>(list)->emplace_back(name);
            return 0;
        };
        H5Literate(m_handle.id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, visit, &out);
        return out;
    }
    [[nodiscard]] bool has(const std::string& name) const
    {
        return H5Lexists(m_handle.id(), name.c_str(), H5P_DEFAULT) > 0;
    }
    [[nodiscard]] Group group(const std::string& name) const
    {
        Handle inner(H5Gopen2(m_handle.id(), name.c_str(), H5P_DEFAULT));
        demand(static_cast<bool>(inner), "no group " + name);
        return {std::move(inner), m_name + "/" + name};
    }

    /// Attribute as text; numbers are not converted.
    [[nodiscard]] std::optional<std::string> text(const std::string& attribute) const
    {
        const Handle open = find(attribute);
        if (!open) {
            return std::nullopt;
        }
        const Handle type(H5Aget_type(open.id()));
        demand(H5Tget_class(type.id()) == H5T_STRING, attribute + " is no text");
        if (H5Tis_variable_str(type.id()) > 0) {
            char* value = nullptr;
            const Handle memory(H5Tcopy(H5T_C_S1));
            H5Tset_size(memory.id(), H5T_VARIABLE);
            H5Tset_cset(memory.id(), H5Tget_cset(type.id()));
            demand(H5Aread(open.id(), memory.id(), &value) >= 0, "cannot read " + attribute);
            std::string out = value == nullptr ? "" : value;
            H5free_memory(value);
            return out;
        }
        std::string out(H5Tget_size(type.id()), '\0');
        demand(H5Aread(open.id(), type.id(), out.data()) >= 0, "cannot read " + attribute);
        return out.substr(0, out.find('\0'));
    }
    /// Attribute as a number; integers are converted.
    [[nodiscard]] std::optional<double> number(const std::string& attribute) const
    {
        const Handle open = find(attribute);
        if (!open) {
            return std::nullopt;
        }
        double value = 0.0;
        demand(H5Aread(open.id(), H5T_NATIVE_DOUBLE, &value) >= 0, "cannot read " + attribute);
        return value;
    }
    [[nodiscard]] std::optional<std::int64_t> integer(const std::string& attribute) const
    {
        const std::optional<double> value = number(attribute);
        return value ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
    }

    /// Dataset as float32 (doubles and integers are converted).
    [[nodiscard]] std::optional<Tensor> tensor(const std::string& dataset) const
    {
        if (!has(dataset)) {
            return std::nullopt;
        }
        const Handle open(H5Dopen2(m_handle.id(), dataset.c_str(), H5P_DEFAULT));
        Tensor out{Shape(sizes(open))};
        demand(H5Dread(open.id(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, out.data()) >= 0,
               "cannot read " + dataset);
        return out;
    }
    [[nodiscard]] std::optional<Integers> integers(const std::string& dataset) const
    {
        if (!has(dataset)) {
            return std::nullopt;
        }
        const Handle open(H5Dopen2(m_handle.id(), dataset.c_str(), H5P_DEFAULT));
        Integers out;
        out.shape = sizes(open);
        std::size_t count = 1;
        for (const Index size : out.shape) {
            count *= static_cast<std::size_t>(size);
        }
        out.values.resize(count);
        demand(H5Dread(open.id(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                       out.values.data()) >= 0,
               "cannot read " + dataset);
        return out;
    }

private:
    void demand(bool condition, const std::string& what) const
    {
        if (!condition) {
            throw std::runtime_error(m_name + ": " + what);
        }
    }
    [[nodiscard]] Handle find(const std::string& attribute) const
    {
        if (H5Aexists(m_handle.id(), attribute.c_str()) <= 0) {
            return Handle(H5I_INVALID_HID);
        }
        Handle open(H5Aopen(m_handle.id(), attribute.c_str(), H5P_DEFAULT));
        demand(static_cast<bool>(open), "cannot open attribute " + attribute);
        return open;
    }
    [[nodiscard]] static std::vector<Index> sizes(const Handle& dataset)
    {
        const Handle space(H5Dget_space(dataset.id()));
        std::vector<hsize_t> raw(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space.id())));
        H5Sget_simple_extent_dims(space.id(), raw.data(), nullptr);
        return {raw.begin(), raw.end()};
    }

    Handle m_handle;
    std::string m_name;
};

/// The root group of a file; nullopt if there is no such file (the test is skipped then).
[[nodiscard]] inline std::optional<Group> open(const std::string& path)
{
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
    if (!file) {
        return std::nullopt;
    }
    // The open group keeps the file open.
    return Group(Handle(H5Gopen2(file.id(), "/", H5P_DEFAULT)), path);
}

} // namespace bitscape::golden
