// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/evaluation.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitscape::graph {

namespace {

/// More is no array of a network: 256 MiB as they are computed with.
constexpr Index kMostElements = Index{1} << 25;

const ArrayValue& nothing()
{
    static const ArrayValue value{.sizes = {0}};
    return value;
}

} // namespace

Evaluation::Evaluation(std::span<const ArrayValue* const> inputs, const Attributes& attributes,
                       int opset, std::size_t outputs)
    : m_inputs(inputs), m_attributes(attributes), m_opset(opset), m_wanted(outputs)
{
    m_allKnown = std::ranges::all_of(
        inputs, [](const ArrayValue* one) { return one == nullptr || one->isKnown; });
}

const ArrayValue& Evaluation::input(std::size_t number)
{
    if (has(number)) {
        return *m_inputs[number];
    }
    refuse(fmt::format("Its input {} is missing.", number));
    return nothing();
}

std::vector<std::int64_t> Evaluation::constants(std::size_t number)
{
    const ArrayValue& value = input(number);
    if (!value.isKnown) {
        if (ok()) {
            m_unknownInput = number;
            refuseSetting("sizes depend on the values of an input");
        }
        return {};
    }
    std::vector<std::int64_t> values;
    for (Index e = 0; e < value.count(); ++e) {
        values.push_back(value.integer(e));
    }
    return values;
}

bool Evaluation::hasAttribute(std::string_view name) const
{
    return m_attributes.find(name) != m_attributes.end();
}

const Attribute* Evaluation::attribute(std::string_view name) const
{
    const auto found = m_attributes.find(name);
    return found == m_attributes.end() ? nullptr : &found->second;
}

template <class T>
T Evaluation::held(std::string_view name, T fallback)
{
    const Attribute* found = attribute(name);
    if (found == nullptr) {
        return fallback;
    }
    if (const T* value = std::get_if<T>(found)) {
        return *value;
    }
    refuse(fmt::format("Its attribute {} is of a wrong type.", name));
    return fallback;
}

std::int64_t Evaluation::integer(std::string_view name, std::int64_t fallback)
{
    return held<std::int64_t>(name, fallback);
}

double Evaluation::real(std::string_view name, double fallback)
{
    return held<double>(name, fallback);
}

std::string Evaluation::text(std::string_view name, std::string fallback)
{
    return held<std::string>(name, std::move(fallback));
}

std::vector<std::int64_t> Evaluation::integers(std::string_view name,
                                               std::vector<std::int64_t> fallback)
{
    return held<std::vector<std::int64_t>>(name, std::move(fallback));
}

std::vector<double> Evaluation::reals(std::string_view name)
{
    return held<std::vector<double>>(name, {});
}

std::vector<std::string> Evaluation::texts(std::string_view name, std::vector<std::string> fallback)
{
    return held<std::vector<std::string>>(name, std::move(fallback));
}

ArrayValue Evaluation::make(ElementType type, Sizes sizes)
{
    Index count = 1;
    for (const Index size : sizes) {
        if (size < 0 || (size > 0 && count > kMostElements / size)) {
            refuse(fmt::format("Its output would have the sizes {}.", describeSizes(sizes)));
            break;
        }
        count *= size;
    }
    if (sizes.size() > Shape::kMaxRank) {
        refuse(fmt::format("Its output would have {} axes; {} are the most.", sizes.size(),
                           Shape::kMaxRank));
    }
    if (!computes()) {
        return {.type = type, .sizes = ok() ? std::move(sizes) : Sizes{0}, .isKnown = false};
    }
    return zeros(type, std::move(sizes));
}

void Evaluation::refuse(std::string message)
{
    if (ok()) {
        m_error = Error{.code = ErrorCode::ShapeMismatch, .message = std::move(message)};
    }
}

void Evaluation::refuseSetting(std::string message)
{
    if (ok()) {
        m_error = Error{.code = ErrorCode::Unsupported, .message = std::move(message)};
    }
}

Result<std::vector<ArrayValue>> Evaluation::finish()
{
    if (ok() && m_outputs.size() < m_wanted) {
        refuse(fmt::format("It gives {} outputs, {} are wanted.", m_outputs.size(), m_wanted));
    }
    if (m_error) {
        return fail(*m_error);
    }
    m_outputs.resize(std::max<std::size_t>(m_wanted, 1));
    return std::move(m_outputs);
}

Index Evaluation::axis(std::int64_t value, int rank, bool mayBeEnd)
{
    const std::int64_t limit = mayBeEnd ? rank : rank - 1;
    const std::int64_t positive = value < 0 && value >= -rank ? value + rank : value;
    if (positive < 0 || positive > limit) {
        refuse(fmt::format("Its input has {} axes and no axis {}.", rank, value));
        return 0;
    }
    return static_cast<Index>(positive);
}

std::vector<Index> Evaluation::axes(const std::vector<std::int64_t>& values, int rank)
{
    std::vector<Index> result;
    for (const std::int64_t value : values) {
        result.push_back(axis(value, rank));
    }
    std::ranges::sort(result);
    if (ok() && std::ranges::adjacent_find(result) != result.end()) {
        refuse("Its axes name one twice.");
    }
    return result;
}

Sizes Evaluation::broadcast(const Sizes& a, const Sizes& b)
{
    auto sizes = broadcastSizes(a, b);
    if (!sizes) {
        refuse(fmt::format("Its inputs of the sizes {} and {} do not fit each other.",
                           describeSizes(a), describeSizes(b)));
        return {0};
    }
    return std::move(*sizes);
}

} // namespace bitscape::graph
