// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/document/document.h"
#include "app/document/presets.h"
#include "core/search/study.h"

#include <QString>

#include <string>
#include <vector>

namespace bitscape::app {

/// A quantizer's place in a network.
struct Place {
    std::string layer;
    graph::Slot slot = graph::Slot::Kernel;
};

/// Reads what a person typed into a quantizer cell of this place: a QKeras string, a number of
/// bits, a short form, "float". Null means float. InvalidArgument says what is wrong and where.
[[nodiscard]] Result<quant::QuantizerPtr> readQuantizer(const project::Project& project,
                                                        const Place& place, const QString& text);

/// One undo step each; the text names what it did.
[[nodiscard]] Result<void> editQuantizer(Document& document, const Place& place,
                                         const QString& text);
/// Sets the width and keeps the family; 32: float. Places that take no quantizer are left out.
/// Returns how many changed.
int setBits(Document& document, const std::vector<Place>& places, int bits);
void applyPreset(Document& document, const Preset& preset, const std::vector<std::string>& layers);
/// The trial's quantizers become a configuration named after it, and the current one.
void applyTrial(Document& document, const search::Study& study, const search::Trial& trial);
/// Copies the current configuration under another name and makes it current.
void branch(Document& document, const QString& name);
void selectConfiguration(Document& document, int index);
void setAccelerator(Document& document, const hw::Accelerator& accelerator,
                    const QByteArray& mergeKey = {});

} // namespace bitscape::app
