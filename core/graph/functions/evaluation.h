// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/functions/array_value.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bitscape::graph {

/// What an attribute of a function may hold.
using Attribute = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>,
                               std::vector<double>, std::vector<std::string>, ArrayValue>;
using Attributes = std::map<std::string, Attribute, std::less<>>;

/// One call of a function: what it is given, what it gives, and the first thing that was wrong.
/// Functions run in two ways: with numbers, or, where an input has none, for types and sizes alone.
/// After a failure everything goes on with empty values, so that a function may check once.
class Evaluation {
public:
    /// `inputs`: null where an optional one is left out. `outputs`: how many are wanted.
    Evaluation(std::span<const ArrayValue* const> inputs, const Attributes& attributes, int opset,
               std::size_t outputs);

    // ---- inputs
    [[nodiscard]] std::size_t inputCount() const { return m_inputs.size(); }
    [[nodiscard]] bool has(std::size_t input) const
    {
        return input < m_inputs.size() && m_inputs[input] != nullptr;
    }
    /// A missing one is a failure.
    [[nodiscard]] const ArrayValue& input(std::size_t number);
    /// Null where it is left out.
    [[nodiscard]] const ArrayValue* optional(std::size_t number) const
    {
        return has(number) ? m_inputs[number] : nullptr;
    }
    /// Numbers that sizes depend on: of an input without numbers they are a failure of its own
    /// kind, see unknownInput().
    [[nodiscard]] std::vector<std::int64_t> constants(std::size_t number);

    // ---- attributes; one of another kind is a failure
    [[nodiscard]] int opset() const { return m_opset; }
    [[nodiscard]] bool hasAttribute(std::string_view name) const;
    [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t fallback);
    [[nodiscard]] bool flag(std::string_view name, bool fallback = false)
    {
        return integer(name, fallback ? 1 : 0) != 0;
    }
    [[nodiscard]] double real(std::string_view name, double fallback);
    [[nodiscard]] std::string text(std::string_view name, std::string fallback);
    [[nodiscard]] std::vector<std::int64_t> integers(std::string_view name,
                                                     std::vector<std::int64_t> fallback = {});
    [[nodiscard]] std::vector<double> reals(std::string_view name);
    [[nodiscard]] std::vector<std::string> texts(std::string_view name,
                                                 std::vector<std::string> fallback = {});
    [[nodiscard]] const Attribute* attribute(std::string_view name) const;
    [[nodiscard]] const Attributes& attributes() const { return m_attributes; }

    // ---- outputs
    [[nodiscard]] std::size_t outputCount() const { return m_wanted; }
    /// Whether numbers are to be computed: nothing failed, every input has its own.
    [[nodiscard]] bool computes() const { return ok() && m_allKnown; }
    /// An output to be filled: zeros if computes(), else without numbers. Negative or absurd sizes
    /// are a failure.
    [[nodiscard]] ArrayValue make(ElementType type, Sizes sizes);
    /// The next output.
    void give(ArrayValue value) { m_outputs.push_back(std::move(value)); }

    // ---- failure; the first counts
    [[nodiscard]] bool ok() const { return !m_error; }
    /// Inputs or attributes that do not fit.
    void refuse(std::string message);
    /// A setting that is not covered.
    void refuseSetting(std::string message);
    /// The input whose numbers sizes depend on and which has none; nothing otherwise.
    [[nodiscard]] std::optional<std::size_t> unknownInput() const { return m_unknownInput; }
    [[nodiscard]] Result<std::vector<ArrayValue>> finish();

    // ---- what many functions do
    /// Axis from the end if negative, within [0, rank), or [0, rank] if `mayBeEnd`.
    [[nodiscard]] Index axis(std::int64_t value, int rank, bool mayBeEnd = false);
    /// Distinct axes, ascending.
    [[nodiscard]] std::vector<Index> axes(const std::vector<std::int64_t>& values, int rank);
    /// Both broadcast; sizes that do not fit are a failure.
    [[nodiscard]] Sizes broadcast(const Sizes& a, const Sizes& b);

private:
    template <class T>
    T held(std::string_view name, T fallback);

    std::span<const ArrayValue* const> m_inputs;
    const Attributes& m_attributes;
    int m_opset;
    std::size_t m_wanted;
    bool m_allKnown = true;
    std::vector<ArrayValue> m_outputs;
    std::optional<Error> m_error;
    std::optional<std::size_t> m_unknownInput;
};

} // namespace bitscape::graph
