// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/hw/qtools.h"
#include "core/hw/qtools_map.h"
#include "core/hw/qtools_operators.h"

#include <string>
#include <string_view>
#include <vector>

namespace bitscape::hw::qtools {

/// Energies of unit operations in pJ. Polynomials: highest power first; values below 0 count as 0.
struct UnitEnergies {
    std::vector<double> fixedAdd, fixedMultiply; ///< of bits; all fixed-point gates but multipliers
                                                 ///< cost as adders do
    std::vector<double> halfAdd, halfMultiply;   ///< of bits, floats up to 16 bits
    std::vector<double> singleAdd, singleMultiply;
    std::vector<double> sramRead, sramWrite; ///< of log2(bits), per 64-bit word
    std::vector<double> dramRead, dramWrite; ///< of bits
    /// Instead of the SRAM polynomials: per-bit energies of the accelerator model's buffers.
    bool isSramByCapacity = false;
};

/// QTools' process "horowitz": 45 nm, Horowitz ISSCC 2014, with QTools' SRAM term, which is 64
/// times too small and grows towards small memories.
[[nodiscard]] const UnitEnergies& horowitz();
/// The same with the SRAM term mended: per word, growing with the size.
[[nodiscard]] const UnitEnergies& correctedHorowitz();
/// A process by name, or from JSON text with QTools' keys ("fpm_add", "sram_rd", …). A name that is
/// no file is taken as "horowitz" with a warning, as QTools does silently. InvalidArgument names
/// the key.
[[nodiscard]] Result<UnitEnergies> findProcess(std::string_view process, Warnings& warnings);

[[nodiscard]] double operatorEnergy(const Operator& made, const UnitEnergies& units);

/// The four energies of every layer of the map, in its order.
[[nodiscard]] std::vector<LayerEnergy> layerEnergies(const Map& map, const UnitEnergies& units,
                                                     const QToolsOptions& options);

} // namespace bitscape::hw::qtools
