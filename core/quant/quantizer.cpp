// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/quantizer.h"

#include "core/quant/value.h"

#include <fmt/core.h>

#include <algorithm>

namespace bitscape::quant {

Quantizer::Quantizer(const QuantizerInfo& info, Parameters parameters)
    : m_info(info), m_parameters(std::move(parameters))
{
    for (const ParameterInfo& parameter : info.parameters) {
        ensure(m_parameters.contains(parameter.name), "Quantizer: parameters are not complete");
    }
}

Result<void> Quantizer::accepts(const Shape&) const
{
    return {};
}

Warnings Quantizer::notes(const Shape&) const
{
    return {};
}

std::pair<double, double> Quantizer::rangeWith(const Fit&) const
{
    return {min(), max()};
}

QuantizerPtr Quantizer::withRange(double, double) const
{
    return nullptr;
}

QuantizerPtr Quantizer::promotedForKernel() const
{
    return nullptr;
}

QuantizerPtr Quantizer::initialized(TensorView) const
{
    return nullptr;
}

std::vector<Tensor> Quantizer::learnedGradient(TensorView, TensorView, const CallContext&) const
{
    return {};
}

Result<QuantizerPtr> Quantizer::with(std::string_view parameter, Value value) const
{
    Parameters changed = m_parameters;
    changed[std::string(parameter)] = std::move(value);
    return makeQuantizer(m_info, std::move(changed));
}

Result<QuantizerPtr> Quantizer::withBits(int bits) const
{
    if (findParameter(m_info, "bits") == nullptr) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{} has a fixed width of {} bit(s).", m_info.name, this->bits()),
                    {}, "Choose another quantizer, for example quantized_bits.");
    }
    return with("bits", std::int64_t{bits});
}

const Value& Quantizer::parameter(std::string_view name) const
{
    const auto found = m_parameters.find(name);
    ensure(found != m_parameters.end(), "Quantizer: no such parameter");
    return found->second;
}

double Quantizer::number(std::string_view name, double otherwise) const
{
    return numberOf(parameter(name)).value_or(otherwise);
}

bool Quantizer::operator==(const Quantizer& other) const
{
    return &m_info == &other.m_info &&
           std::ranges::equal(m_parameters, other.m_parameters, [](const auto& a, const auto& b) {
               return a.first == b.first && sameValue(a.second, b.second);
           });
}

} // namespace bitscape::quant
