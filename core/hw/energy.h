// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/hw/engine.h"
#include "core/hw/tiling.h"

#include <array>

namespace bitscape::hw {

/// Energy at (node, supply) over energy at (45 nm, 0.9 V). Between listed nodes linear in
/// nanometres. node: 7 … 65 nm. Source: Stillmaker & Baas 2017.
[[nodiscard]] double energyScale(double nodeNanometer, double supplyVolt);
/// Area at the node over area at 45 nm.
[[nodiscard]] double areaScale(double nodeNanometer);

/// pJ at 45 nm of one bit read from or written to an SRAM bank of that size.
[[nodiscard]] double sramPicojoulePerBit(double bankBytes);
/// pJ at 45 nm of one integer multiplication.
[[nodiscard]] double multiplyPicojoule(double bits);

/// Energy parts of a layer on an engine, order of kEnergyParts, scaled to the accelerator's node.
[[nodiscard]] std::array<double, 9> engineEnergy(const Mode& mode, const Slots& slots,
                                                 const Tiling& tiling,
                                                 const Accelerator& accelerator);

} // namespace bitscape::hw
