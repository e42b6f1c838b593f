// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/io/bytes.h"
#include "core/io/data_sources.h"
#include "core/io/foreign_format.h"
#include "core/io/hdf5.h"
#include "core/io/isolation.h"

#include <cstring>

// Datasets of an HDF5 file: f.h5::/x,/y by their paths, f.h5::/group or the file alone by their
// names in the group, as with npz. A child reads them (isolation.h) and hands the wanted rows over.
namespace bitscape::io {

namespace {

constexpr std::string_view kPathMark = "::";
constexpr std::int64_t kMaxElements = std::int64_t{1} << 27;

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

/// Which datasets a source names.
struct Wish {
    std::string group = "/"; ///< whose datasets are meant
    std::string x, y;        ///< or these paths
};

Result<Wish> wishOf(const SourceText& source, const DataRecipe& recipe)
{
    Wish wish;
    if (const std::size_t mark = source.text.find(kPathMark); mark != std::string::npos) {
        const std::vector<std::string> paths =
            split(std::string_view(source.text).substr(mark + kPathMark.size()), ',');
        if (paths.size() > 2) {
            return fail(ErrorCode::InvalidArgument, "It names more than two datasets.", source.text,
                        "Write it as f.h5::/x,/y; more inputs are datasets of one group.");
        }
        wish.x = paths[0];
        wish.y = paths.size() > 1 ? paths[1] : "";
    }
    // A path among the keys leads past the group's own datasets.
    if (wish.x.empty() && recipe.xKey.find('/') != std::string::npos) {
        wish.x = recipe.xKey;
        wish.y = recipe.yKey;
    } else if (!wish.x.empty() && wish.y.empty()) {
        wish.y = recipe.yKey;
    }
    return wish;
}

/// The child's side: what is wanted of the file, as bytes that cross its border.
class Child {
public:
    Child(const hdf5::File& file, const SourceText& source, const DataRecipe& recipe, bool glance)
        : m_file(file), m_source(source), m_recipe(recipe), m_glance(glance)
    {
    }

    Result<std::string> answer(const Wish& wish)
    {
        DataRecipe keys = m_recipe;
        if (auto ok = find(wish, keys); !ok) {
            return fail(std::move(ok).error());
        }
        auto plan = planArrays(m_heads, keys, m_source.path);
        if (!plan) {
            return fail(std::move(plan).error());
        }
        m_out.number<std::int64_t>(plan->count);
        m_out.number<std::int64_t>(plan->rows.first);
        m_out.number<std::int64_t>(plan->rows.count);
        for (std::size_t i = 0; i < m_heads.size(); ++i) {
            if (!plan->wanted[i]) {
                continue;
            }
            const bool whole = plan->count == 0 || (m_glance && m_heads[i].name == plan->answers);
            const RowRange all{0, m_heads[i].shape.empty() ? 0 : m_heads[i].shape.front()};
            if (auto ok = write(i, whole ? all : plan->rows); !ok) {
                return fail(std::move(ok).error());
            }
        }
        return m_out.finish();
    }

private:
    Result<void> add(const std::string& name, const std::string& path)
    {
        auto info = m_file.info(path);
        if (!info) {
            return fail(std::move(info).error());
        }
        m_heads.push_back({name, info->shape});
        m_paths.push_back(path);
        m_types.push_back(info->dtype);
        return {};
    }

    /// The arrays and their names: x and y for paths, else the names in the group.
    Result<void> find(const Wish& wish, DataRecipe& keys)
    {
        std::string group = wish.group;
        if (!wish.x.empty() && (!wish.y.empty() || !m_file.hasGroup(wish.x))) {
            keys.xKey = "x";
            keys.yKey = wish.y.empty() ? "" : "y";
            auto ok = add("x", wish.x);
            return ok && !wish.y.empty() ? add("y", wish.y) : ok;
        }
        if (!wish.x.empty()) {
            group = wish.x;
        }
        auto opened = m_file.group(group);
        if (!opened) {
            return fail(std::move(opened).error());
        }
        auto names = opened->children();
        if (!names) {
            return fail(std::move(names).error());
        }
        for (const std::string& name : *names) {
            const auto info = opened->info(name);
            const bool asked = name == keys.xKey || name == keys.yKey;
            const bool numbers = info && (info->kind == hdf5::ValueKind::Float ||
                                          info->kind == hdf5::ValueKind::Integer);
            if (asked || numbers) {
                const std::string path = group.ends_with('/') ? group + name : group + "/" + name;
                if (auto ok = add(name, path); !ok) {
                    return ok;
                }
            }
        }
        return {};
    }

    Result<void> write(std::size_t i, RowRange rows)
    {
        const std::string& path = m_paths[i];
        auto tensor = m_heads[i].shape.empty()
                          ? m_file.readTensor(path, kMaxElements)
                          : m_file.readRows(path, rows.first, rows.count, kMaxElements);
        if (!tensor) {
            return fail(std::move(tensor).error());
        }
        m_out.text(m_heads[i].name);
        m_out.text(m_types[i]);
        m_out.number<std::uint64_t>(static_cast<std::uint64_t>(tensor->shape().rank()));
        for (const Index size : tensor->shape().sizes()) {
            m_out.number<std::int64_t>(size);
        }
        m_out.raw(tensor->data(), static_cast<std::size_t>(tensor->size()) * sizeof(float));
        return {};
    }

    const hdf5::File& m_file;
    const SourceText& m_source;
    const DataRecipe& m_recipe;
    bool m_glance;
    std::vector<ArrayHead> m_heads;
    std::vector<std::string> m_paths, m_types;
    ByteWriter m_out;
};

std::optional<NamedArray> decodeArray(ByteReader& in)
{
    auto name = in.text();
    auto dtype = in.text();
    const auto rank = in.number<std::uint64_t>();
    if (!rank || *rank > static_cast<std::uint64_t>(Shape::kMaxRank)) {
        return std::nullopt;
    }
    Array array;
    array.dtype = std::move(*dtype);
    std::int64_t count = 1;
    for (std::uint64_t i = 0; i < *rank; ++i) {
        const auto size = in.number<std::int64_t>();
        if (!size || *size < 0 || __builtin_mul_overflow(count, *size, &count)) {
            return std::nullopt;
        }
        array.shape.push_back(*size);
    }
    if (static_cast<std::uint64_t>(count) > in.left() / sizeof(float)) {
        return std::nullopt;
    }
    array.values.resize(static_cast<std::size_t>(count));
    const auto values = in.take(array.values.size() * sizeof(float));
    if (count > 0) {
        std::memcpy(array.values.data(), values->data(), values->size());
    }
    return NamedArray(std::move(*name), std::move(array));
}

struct ChildAnswer {
    Index count = 0;
    RowRange rows;
    std::vector<NamedArray> arrays;
};

std::optional<ChildAnswer> decode(std::string_view bytes)
{
    ByteReader in(bytes);
    ChildAnswer answer;
    const auto count = in.number<std::int64_t>();
    const auto first = in.number<std::int64_t>();
    const auto rows = in.number<std::int64_t>();
    if (!rows) {
        return std::nullopt;
    }
    answer.count = *count;
    answer.rows = {*first, *rows};
    while (in.left() > 0) {
        auto array = decodeArray(in);
        if (!array) {
            return std::nullopt;
        }
        answer.arrays.push_back(std::move(*array));
    }
    return answer;
}

} // namespace

bool isHdf5(const SourceText& source)
{
    return formatOf(source.bytes) == FileFormat::Hdf5 ||
           source.text.find(kPathMark) != std::string::npos;
}

Result<RawData> readHdf5(const SourceText& source, const DataRecipe& recipe,
                         const ReadContext& context)
{
    constexpr std::int64_t kMemory = std::int64_t{3} << 29;
    const auto wish = wishOf(source, recipe);
    if (!wish) {
        return fail(Error(wish.error()));
    }
    const auto work = [&]() -> Result<std::string> {
        auto file = source.isWhole() ? hdf5::File::openBytes(source.bytes, source.path)
                                     : hdf5::File::open(source.path);
        if (!file) {
            return fail(std::move(file).error());
        }
        auto bytes = Child(*file, source, recipe, context.glance).answer(*wish);
        return bytes ? std::move(bytes) : fail(std::move(bytes).error().in(source.path));
    };
    auto bytes =
        isolated(source.text, work, {.seconds = 30, .memoryBytes = kMemory, .job = context.job});
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    auto answer = decode(*bytes);
    if (!answer) {
        return corrupt("The datasets are damaged.", source.text);
    }
    DataRecipe keys = recipe;
    if (!wish->x.empty() && !answer->arrays.empty() && answer->arrays.front().first == "x") {
        keys.xKey = "x";
        keys.yKey = answer->arrays.size() > 1 && answer->arrays[1].first == "y" ? "y" : "";
    }
    std::vector<std::int64_t> allLabels;
    for (NamedArray& array : answer->arrays) {
        if (context.glance && answer->count > 0 && !array.second.shape.empty() &&
            array.second.shape.front() != answer->rows.count) {
            allLabels = classesIn(array.second);
            array.second = rowsOf(array.second, answer->rows);
        }
    }
    auto raw = fromArrays(std::move(answer->arrays), keys, source.path);
    if (!raw) {
        return raw;
    }
    raw->allLabels = std::move(allLabels);
    raw->picked = raw->picked || answer->count > 0;
    raw->total = answer->count;
    raw->sha256 = source.sha256;
    return raw;
}

} // namespace bitscape::io
