// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/canonical.h"

#include "core/base/text.h"
#include "core/quant/value.h"

#include <fmt/core.h>

namespace bitscape::quant {

std::string callText(std::string_view name, const std::vector<std::string>& arguments)
{
    return fmt::format("{}({})", name, join(arguments, ","));
}

std::string parameterText(const Quantizer& quantizer, std::string_view parameter)
{
    const ParameterInfo* info = findParameter(quantizer.info(), parameter);
    ensure(info != nullptr, "parameterText: no such parameter");
    return toText(*info, quantizer.parameter(parameter));
}

std::string flagText(const Quantizer& quantizer, std::string_view parameter)
{
    return isTruthy(quantizer.parameter(parameter)) ? "1" : "0";
}

std::string keywordForm(const Quantizer& quantizer)
{
    const QuantizerInfo& info = quantizer.info();
    std::vector<std::string> arguments;
    for (const ParameterInfo& parameter : info.parameters) {
        const Value& value = quantizer.parameter(parameter.name);
        if (static_cast<int>(arguments.size()) < info.leadingParameters) {
            arguments.push_back(parameter.type == ParameterType::Boolean
                                    ? flagText(quantizer, parameter.name)
                                    : toText(parameter, value));
        } else if (!sameValue(value, parameter.defaultValue)) {
            arguments.push_back(fmt::format("{}={}", parameter.name, toText(parameter, value)));
        }
    }
    return callText(info.name, arguments);
}

std::string canonicalForm(const Quantizer& quantizer, const std::string& printed)
{
    const auto again = parseQuantizer(printed, std::span(&quantizer.info(), 1));
    return again && **again == quantizer ? printed : keywordForm(quantizer);
}

} // namespace bitscape::quant
