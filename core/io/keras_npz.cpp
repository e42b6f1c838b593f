// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_npz.h"

#include "core/io/array_file.h"
#include "core/io/bytes.h"
#include "core/io/pickle.h"
#include "core/io/zip_archive.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace bitscape::io {

namespace {

constexpr std::int64_t kMaxUnpacked = std::int64_t{1} << 30;

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

/// The pickle behind the header of an .npy that holds objects.
Result<std::string_view> pickleOf(std::string_view npy, const std::string& where)
{
    constexpr std::string_view kMagic = "\x93NUMPY";
    ByteReader in(npy);
    const auto magic = in.take(kMagic.size());
    const auto version = in.number<std::uint16_t>();
    const bool isFirst = version && (*version & 255U) == 1;
    std::optional<std::size_t> size;
    if (isFirst) {
        size = in.number<std::uint16_t>();
    } else {
        size = in.number<std::uint32_t>();
    }
    const auto header = size ? in.take(*size) : std::nullopt;
    if (magic != kMagic || !header || header->find("'|O'") == std::string_view::npos ||
        header->find("'shape': ()") == std::string_view::npos) {
        return corrupt("The entry holds no dictionary of weights.", where);
    }
    return *in.take(in.left());
}

template <class Data>
const Data* as(const PicklePtr& value)
{
    return value ? std::get_if<Data>(&value->data) : nullptr;
}

/// Element `index` of a list or tuple; null if it is not there.
PicklePtr item(const PicklePtr& value, std::size_t index)
{
    const auto* list = as<PickleList>(value);
    return list != nullptr && index < list->items.size() ? list->items[index] : nullptr;
}

bool isCallOf(const PicklePtr& value, std::string_view name)
{
    const auto* call = as<PickleCall>(value);
    const auto* function = call == nullptr ? nullptr : as<PickleGlobal>(call->function);
    return function != nullptr && std::string_view(function->name).ends_with(name);
}

/// "<f4" as numpy's header says it.
std::string descriptor(const PicklePtr& dtype)
{
    if (!isCallOf(dtype, "numpy.dtype")) {
        return {};
    }
    const auto* call = as<PickleCall>(dtype);
    const auto* type = as<std::string>(item(call->arguments, 0));
    const auto* order = as<std::string>(item(call->state, 1));
    return type == nullptr ? std::string() : (order == nullptr ? "<" : *order) + *type;
}

/// An array as numpy pickles it: numpy.…._reconstruct(…) with the state (version, shape, dtype,
/// isFortran, bytes). Made into an .npy so that one reader knows all types.
std::optional<std::string> asNpy(const PicklePtr& value)
{
    if (!isCallOf(value, "multiarray._reconstruct")) {
        return std::nullopt;
    }
    const PicklePtr& state = as<PickleCall>(value)->state;
    const auto* sizes = as<PickleList>(item(state, 1));
    const std::string type = descriptor(item(state, 2));
    const auto* isFortran = as<std::int64_t>(item(state, 3));
    const auto* bytes = as<std::string>(item(state, 4));
    if (sizes == nullptr || type.empty() || isFortran == nullptr || bytes == nullptr) {
        return std::nullopt;
    }
    std::string shape;
    for (const PicklePtr& size : sizes->items) {
        const auto* number = as<std::int64_t>(size);
        if (number == nullptr || *number < 0) {
            return std::nullopt;
        }
        shape += std::to_string(*number) + ", ";
    }
    std::string header = "{'descr': '" + type +
                         "', 'fortran_order': " + (*isFortran != 0 ? "True" : "False") +
                         ", 'shape': (" + shape + "), }\n";
    ByteWriter out;
    constexpr std::string_view kStart("\x93NUMPY\x01\x00", 8);
    out.raw(kStart.data(), kStart.size());
    out.number(static_cast<std::uint16_t>(header.size()));
    out.raw(header.data(), header.size());
    out.raw(bytes->data(), bytes->size());
    return out.finish();
}

Result<StoredGroup> groupOf(const std::string& path, std::string_view npy, const std::string& where)
{
    auto pickle = pickleOf(npy, where);
    auto value = pickle ? readPickle(*pickle, where) : fail(std::move(pickle).error());
    if (!value) {
        return fail(std::move(value).error());
    }
    // An array of objects that holds the dictionary alone.
    const auto* array = as<PickleCall>(*value);
    const PicklePtr content = array == nullptr ? *value : item(item(array->state, 4), 0);
    const auto* dictionary = as<PickleDict>(content);
    if (dictionary == nullptr) {
        return corrupt("The entry holds no dictionary of weights.", where);
    }
    StoredGroup group{path == "__root__" ? std::string() : path, {}, {}};
    for (const auto& [key, weight] : dictionary->items) {
        const auto* name = as<std::string>(key);
        const auto bytes = asNpy(weight);
        if (name == nullptr || !bytes) {
            return corrupt("The entry holds something else than weights.", where);
        }
        auto tensor = readNpy(*bytes, where + ", " + *name);
        if (!tensor) {
            return fail(std::move(tensor).error());
        }
        group.weights.push_back({*name, tensor->toTensor()});
    }
    return group;
}

} // namespace

Result<KerasContent> readKerasNpz(std::string_view bytes, const std::string& where)
{
    auto entries = readZip(bytes, where, kMaxUnpacked);
    if (!entries) {
        return fail(std::move(entries).error());
    }
    KerasContent content;
    for (const auto& [name, npy] : *entries) {
        constexpr std::string_view kEnding = ".npy";
        if (!name.ends_with(kEnding)) {
            return corrupt("It holds something else than arrays.", where + ", " + name);
        }
        const std::string path = name.substr(0, name.size() - kEnding.size());
        if (path.starts_with("optimizer")) {
            content.hasOptimizer = true;
            continue;
        }
        auto group = groupOf(path, npy, where + ", " + name);
        if (!group) {
            return fail(std::move(group).error());
        }
        content.groups.push_back(std::move(*group));
    }
    return content;
}

} // namespace bitscape::io
