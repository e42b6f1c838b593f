// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/qtools_energy.h"

#include "core/base/text.h"
#include "core/hw/energy.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

namespace bitscape::hw::qtools {

namespace {

struct Key {
    std::string_view name;
    std::vector<double> UnitEnergies::*polynomial;
};
constexpr std::array<Key, 10> kKeys{{{"fpm_add", &UnitEnergies::fixedAdd},
                                     {"fpm_mul", &UnitEnergies::fixedMultiply},
                                     {"fp16_add", &UnitEnergies::halfAdd},
                                     {"fp16_mul", &UnitEnergies::halfMultiply},
                                     {"fp32_add", &UnitEnergies::singleAdd},
                                     {"fp32_mul", &UnitEnergies::singleMultiply},
                                     {"sram_rd", &UnitEnergies::sramRead},
                                     {"sram_wr", &UnitEnergies::sramWrite},
                                     {"dram_rd", &UnitEnergies::dramRead},
                                     {"dram_wr", &UnitEnergies::dramWrite}}};

double valueOf(const std::vector<double>& polynomial, double x)
{
    double sum = 0;
    for (const double coefficient : polynomial) {
        sum = sum * x + coefficient;
    }
    return std::max(0.0, sum);
}

Result<UnitEnergies> parseProcess(std::string_view text)
{
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) {
        return fail(ErrorCode::InvalidArgument, "The process is not a JSON object.", "--process",
                    R"(It starts like {"fpm_add": [0.003125, 0]}.)");
    }
    UnitEnergies units = horowitz();
    for (const auto& [name, value] : json.items()) {
        const auto key = std::ranges::find(kKeys, name, &Key::name);
        if (key == kKeys.end()) {
            std::vector<std::string> known;
            for (const Key& row : kKeys) {
                known.emplace_back(row.name);
            }
            return fail(ErrorCode::InvalidArgument,
                        "The process' key \"" + name +
                            "\" is unknown; known: " + join(known, ", ") + ".",
                        "--process");
        }
        const auto isNumber = [](const nlohmann::json& item) { return item.is_number(); };
        if (!value.is_array() || value.empty() || value.size() > 8 ||
            !std::ranges::all_of(value, isNumber)) {
            return fail(ErrorCode::InvalidArgument,
                        "The process' key \"" + name +
                            "\" takes a list of coefficients, highest power first.",
                        "--process");
        }
        units.*(key->polynomial) = value.get<std::vector<double>>();
    }
    return units;
}

/// Which terms a class adds to the sum; classes that are not listed add all but their output.
struct Counted {
    std::string_view className;
    bool outputs = false, parameters = false, operation = false;
};
constexpr std::array<Counted, 8> kCounted{{{"QActivation", true, false, false},
                                           {"QAdaptiveActivation", true, false, false},
                                           {"Activation", true, false, false},
                                           {"BatchNormalization", false, true, false},
                                           {"QBatchNormalization", false, true, false},
                                           {"Add", false, false, true},
                                           {"Subtract", false, false, true},
                                           {"MaxPooling2D", false, false, true}}};

double countedOf(const LayerEnergy& energy)
{
    const auto row = std::ranges::find(kCounted, energy.className, &Counted::className);
    if (row == kCounted.end()) {
        return energy.inputs + energy.parameters + energy.operation;
    }
    return (row->outputs ? energy.outputs : 0.0) + (row->parameters ? energy.parameters : 0.0) +
           (row->operation ? energy.operation : 0.0);
}

/// Where a tensor lives, as the energy rules see it.
enum class Memory { Sram, Dram, Fixed };

Memory memoryOf(std::string_view name)
{
    return name == "dram" ? Memory::Dram : name == "sram" ? Memory::Sram : Memory::Fixed;
}

enum class Access { Read, Write };

class Pricer {
public:
    Pricer(const UnitEnergies& units, const QToolsOptions& options)
        : m_units(units), m_options(options), m_weights(memoryOf(options.weightsOn)),
          m_activations(memoryOf(options.activationsOn))
    {
    }

    [[nodiscard]] LayerEnergy price(const LayerTypes& layer) const
    {
        LayerEnergy energy;
        energy.layer = layer.name;
        energy.className = layer.className;
        energy.operations = layer.operations;
        energy.weightBits = layer.weight ? layer.weight->bits : 0;
        energy.biasBits = layer.bias ? layer.bias->bits : 0;
        energy.outputBits = layer.output.bits;
        energy.inputs = rounded(inputs(layer));
        energy.outputs = rounded(memory(Access::Write, edge(layer.feedsOutput),
                                        layer.outputShape.elementCount(), layer.output.bits));
        energy.parameters = rounded(parameters(layer));
        energy.operation = rounded(operations(layer));
        energy.counted = countedOf(energy);
        return energy;
    }

private:
    /// Two decimals, as QTools keeps them: of the exact value, which value · 100 is not.
    static double rounded(double value)
    {
        const std::string text = fmt::format("{:.2f}", value);
        double result = value;
        std::from_chars(text.data(), text.data() + text.size(), result);
        return result;
    }

    /// Memory of activations; network inputs and outputs never come for nothing.
    [[nodiscard]] Memory edge(bool isOutside) const
    {
        if (!isOutside) {
            return m_activations;
        }
        return m_options.readWriteIo ? Memory::Dram : Memory::Sram;
    }

    [[nodiscard]] double inputs(const LayerTypes& layer) const
    {
        double sum = 0;
        for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
            sum += memory(Access::Read, edge(layer.readsInput), layer.inputElements[i],
                          layer.inputs[i].bits);
        }
        return sum;
    }

    [[nodiscard]] double parameters(const LayerTypes& layer) const
    {
        double sum = 0;
        if (layer.rule == LayerRule::Norm) {
            const Index channels = layer.outputShape.channels();
            for (const auto& type : {layer.gamma, layer.beta, layer.mean, layer.variance}) {
                if (type) {
                    sum += memory(Access::Read, m_weights, channels, type->bits);
                }
            }
        } else if (layer.rule == LayerRule::Kernel) {
            sum += memory(Access::Read, m_weights, layer.kernelShape.elementCount(),
                          layer.weight->bits);
            if (layer.bias) {
                // QTools counts a bias per last size of the kernel, which is 1 for depth-wise ones.
                sum +=
                    memory(Access::Read, m_weights, layer.kernelShape.channels(), layer.bias->bits);
            }
        }
        return sum;
    }

    [[nodiscard]] double operations(const LayerTypes& layer) const
    {
        const auto count = static_cast<double>(layer.operations);
        switch (layer.rule) {
        case LayerRule::Kernel:
            return count * (operatorEnergy(*layer.product, m_units) + addition(layer.sum->output));
        case LayerRule::Norm: {
            double each = layer.norm ? operatorEnergy(layer.norm->divider, m_units) : 0.0;
            if (layer.norm && layer.norm->multiplier) {
                each += operatorEnergy(*layer.norm->multiplier, m_units);
            }
            return count * each;
        }
        case LayerRule::Merge:
            // A concatenation computes nothing.
            return layer.className == "Concatenate"
                       ? 0.0
                       : (static_cast<double>(layer.inputs.size()) - 1) * count *
                             operatorEnergy(*layer.merged, m_units);
        case LayerRule::AveragePool:
            // QKeras' own pools are not listed; QTools stumbles over Keras' ones, whose sums count
            // here as it meant to.
            return layer.average ? 0.0 : count * addition(layer.sum->output);
        case LayerRule::Folded:
        case LayerRule::Activation:
        case LayerRule::Through:
        case LayerRule::Other:
            break;
        }
        return 0;
    }

    [[nodiscard]] double addition(const DataType& type) const
    {
        return operatorEnergy({"add", type, 1, static_cast<double>(type.bits)}, m_units);
    }

    [[nodiscard]] double memory(Access access, Memory where, Index elements,
                                std::int64_t bits) const
    {
        const double total = static_cast<double>(elements) * static_cast<double>(bits);
        const auto& dram = access == Access::Read ? m_units.dramRead : m_units.dramWrite;
        switch (where) {
        case Memory::Dram:
            return valueOf(dram, total) + (m_options.readWriteIo ? sram(access, total) : 0.0);
        case Memory::Sram:
            return sram(access, total);
        case Memory::Fixed:
            break;
        }
        return 0;
    }

    [[nodiscard]] double sram(Access access, double bits) const
    {
        if (bits <= 0) {
            return 0;
        }
        const double size = std::max(bits, m_options.minimumSramBits);
        const double words = std::ceil(bits / 64);
        if (m_units.isSramByCapacity) {
            return words * 64 * sramPicojoulePerBit(size / 8);
        }
        const auto& polynomial = access == Access::Read ? m_units.sramRead : m_units.sramWrite;
        return words * valueOf(polynomial, std::log2(size));
    }

    const UnitEnergies& m_units;
    const QToolsOptions& m_options;
    const Memory m_weights, m_activations;
};

} // namespace

const UnitEnergies& horowitz()
{
    static const UnitEnergies units{.fixedAdd = {0.003125, 0},
                                    .fixedMultiply = {0.002994791667, 0.001041666667, 0},
                                    .halfAdd = {0.4},
                                    .halfMultiply = {1.1},
                                    .singleAdd = {0.9},
                                    .singleMultiply = {3.7},
                                    .sramRead = {9.02427321e-4, -2.68847858e-2, 0.208900804, 0},
                                    .sramWrite = {9.02427321e-4, -2.68847858e-2, 0.208900804, 0},
                                    .dramRead = {20.3125, 0},
                                    .dramWrite = {20.3125, 0}};
    return units;
}

const UnitEnergies& correctedHorowitz()
{
    static const UnitEnergies units = [] {
        UnitEnergies corrected = horowitz();
        corrected.isSramByCapacity = true;
        return corrected;
    }();
    return units;
}

Result<UnitEnergies> findProcess(std::string_view process, Warnings& warnings)
{
    if (process == "horowitz") {
        return horowitz();
    }
    if (process == "horowitz-corrected") {
        return correctedHorowitz();
    }
    if (trimmed(process).starts_with("{")) {
        return parseProcess(process);
    }
    warnings.push_back({"unknown_process",
                        "The process \"" + std::string(process) +
                            "\" is unknown; QTools counts with horowitz then, and so it is here.",
                        "--process"});
    return horowitz();
}

double operatorEnergy(const Operator& made, const UnitEnergies& units)
{
    const bool isMultiply = made.implementation == "mul";
    const std::vector<double>* polynomial = isMultiply ? &units.fixedMultiply : &units.fixedAdd;
    if (made.output.isFloat()) {
        // Widths between are as good as the next class.
        const bool isHalf = made.output.bits <= 16;
        polynomial = isMultiply ? (isHalf ? &units.halfMultiply : &units.singleMultiply)
                                : (isHalf ? &units.halfAdd : &units.singleAdd);
    }
    return made.gateFactor * valueOf(*polynomial, made.gateBits);
}

std::vector<LayerEnergy> layerEnergies(const Map& map, const UnitEnergies& units,
                                       const QToolsOptions& options)
{
    const Pricer pricer(units, options);
    std::vector<LayerEnergy> energies;
    energies.reserve(map.layers.size());
    for (const LayerTypes& layer : map.layers) {
        energies.push_back(pricer.price(layer));
    }
    return energies;
}

} // namespace bitscape::hw::qtools
