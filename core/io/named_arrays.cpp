// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/io/data_sources.h"

#include <algorithm>
#include <array>

// Which of a file's arrays are samples, answers and further inputs.
namespace bitscape::io {

namespace {

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

struct UsualNames {
    std::string_view x, y;
};
constexpr std::array kUsualNames{
    UsualNames{"x", "y"},
    UsualNames{"x_test", "y_test"},
    UsualNames{"x_train", "y_train"},
    UsualNames{"X", "y"},
    UsualNames{"X_test", "y_test"},
    UsualNames{"X_train", "y_train"},
    UsualNames{"images", "labels"},
    UsualNames{"test_images", "test_labels"},
    UsualNames{"train_images", "train_labels"},
    UsualNames{"features", "labels"},
    UsualNames{"data", "target"},
    UsualNames{"data", "labels"},
    UsualNames{"arr_0", "arr_1"}, // numpy.savez(file, x, y)
};

/// The names under which samples and answers stand: given, usual, or none.
template <class Has>
UsualNames choose(const DataRecipe& recipe, const Has& has)
{
    UsualNames names{recipe.xKey, recipe.yKey};
    for (const UsualNames& usual : kUsualNames) {
        if (names.x.empty() && has(usual.x)) {
            names.x = usual.x;
        }
        if (names.x == usual.x && names.y.empty() && has(usual.y)) {
            names.y = usual.y;
        }
    }
    return names;
}

std::string namesOf(const std::vector<NamedArray>& arrays)
{
    std::vector<std::string> names;
    for (const NamedArray& named : arrays) {
        names.push_back(named.first);
    }
    return join(names, ", ");
}

Result<const Array*> arrayByKey(const std::vector<NamedArray>& arrays, const std::string& key,
                                const char* option, const std::string& where)
{
    const auto found = std::ranges::find(arrays, key, &NamedArray::first);
    if (found == arrays.end()) {
        return fail(ErrorCode::InvalidArgument, "There is no array '" + key + "'.",
                    where + ", " + option, "The file holds " + namesOf(arrays) + ".");
    }
    return &found->second;
}

/// The arrays that a network without batch axis reads, by name; a single one by its place.
Result<RawData> wholeArrays(std::vector<NamedArray> arrays, const DataRecipe& recipe,
                            const std::string& where)
{
    RawData raw;
    raw.picked = true;
    for (const std::string& name : recipe.wholeInputs) {
        auto found = std::ranges::find(arrays, name, &NamedArray::first);
        if (found == arrays.end() && arrays.size() == 1 && recipe.wholeInputs.size() == 1) {
            found = arrays.begin();
        }
        if (found == arrays.end()) {
            return fail(ErrorCode::ShapeMismatch, "The data hold no array '" + name + "'.", where,
                        "Name the arrays of an npz file as the inputs.");
        }
        raw.inputs.emplace_back(name, found->second);
    }
    return raw;
}

/// Keeps the arrays that have rows as the first one has. All must, where none was chosen as the
/// samples.
Result<void> keepInputs(std::vector<NamedArray> arrays, bool allMustFit, RawData& raw,
                        const std::string& where)
{
    for (NamedArray& named : arrays) {
        const std::vector<Index>& shape = named.second.shape;
        if (shape.empty() && raw.inputs.empty() && !allMustFit) {
            return corrupt("The array '" + named.first + "' is one number, not samples.", where);
        }
        const Index rows = raw.inputs.empty() ? -1 : raw.inputs.front().second.shape.front();
        const bool fits = rows < 0 || (!shape.empty() && shape.front() == rows);
        if (shape.empty() || (!fits && !allMustFit)) {
            continue;
        }
        if (!fits) {
            return fail(ErrorCode::ShapeMismatch,
                        "The array '" + named.first + "' has " + std::to_string(shape.front()) +
                            " rows, '" + raw.inputs.front().first + "' has " +
                            std::to_string(rows) + ".",
                        where);
        }
        raw.inputs.push_back(std::move(named));
    }
    return {};
}

} // namespace

Result<RawData> fromArrays(std::vector<NamedArray> arrays, const DataRecipe& recipe,
                           const std::string& where)
{
    if (arrays.empty()) {
        return corrupt("The file holds no array.", where);
    }
    if (!recipe.wholeInputs.empty()) {
        return wholeArrays(std::move(arrays), recipe, where);
    }
    const UsualNames names = choose(recipe, [&](std::string_view name) {
        return std::ranges::find(arrays, name, &NamedArray::first) != arrays.end();
    });
    RawData raw;
    if (!names.y.empty()) {
        auto answers = arrayByKey(arrays, std::string(names.y), "--y", where);
        if (!answers) {
            return fail(std::move(answers).error());
        }
        raw.answers = **answers;
    }
    if (!names.x.empty()) {
        auto samples = arrayByKey(arrays, std::string(names.x), "--x", where);
        if (!samples) {
            return fail(std::move(samples).error());
        }
        const auto first = std::ranges::find(arrays, names.x, &NamedArray::first);
        std::rotate(arrays.begin(), first, first + 1);
    }
    if (auto ok = keepInputs(std::move(arrays), names.x.empty(), raw, where); !ok) {
        return fail(std::move(ok).error());
    }
    if (raw.inputs.empty()) {
        return corrupt("The file holds no array of samples.", where);
    }
    return raw;
}

Result<ArrayPlan> planArrays(std::span<const ArrayHead> arrays, const DataRecipe& recipe,
                             const std::string& where)
{
    const auto find = [&](std::string_view name) {
        return std::ranges::find(arrays, name, &ArrayHead::name);
    };
    const auto rowsIn = [](const ArrayHead& array) {
        return array.shape.empty() ? Index{-1} : array.shape.front();
    };
    const UsualNames names =
        choose(recipe, [&](std::string_view name) { return find(name) != arrays.end(); });
    ArrayPlan plan;
    plan.wanted.assign(arrays.size(), true);
    plan.samples = names.x;
    plan.answers = names.y;
    const auto samples = names.x.empty() ? arrays.begin() : find(names.x);
    const bool allFit =
        samples != arrays.end() && std::ranges::all_of(arrays, [&](const auto& one) {
            return rowsIn(one) == rowsIn(*samples);
        });
    if (samples == arrays.end() || rowsIn(*samples) < 1 || !recipe.wholeInputs.empty() ||
        (names.x.empty() && !allFit)) {
        return plan;
    }
    plan.count = rowsIn(*samples);
    const auto answers = find(names.y);
    if (answers != arrays.end() && rowsIn(*answers) != plan.count) {
        return fail(ErrorCode::ShapeMismatch,
                    "There are " + std::to_string(std::max<Index>(rowsIn(*answers), 1)) +
                        " labels for " + std::to_string(plan.count) + " samples.",
                    where);
    }
    auto rows = rowsOf(recipe, plan.count);
    if (!rows) {
        return fail(std::move(rows).error());
    }
    plan.rows = *rows;
    for (std::size_t i = 0; i < arrays.size(); ++i) {
        plan.wanted[i] = rowsIn(arrays[i]) == plan.count;
    }
    return plan;
}

} // namespace bitscape::io
