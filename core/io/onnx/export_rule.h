// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json_text.h"
#include "core/graph/functions/function_layer.h"
#include "core/graph/layer_rule.h"
#include "core/io/onnx/export_context.h"

#include <string>

namespace bitscape::io {

/// A layer of the registry while it is written; `config` is what its rule says of itself.
struct RuleExport {
    ExportContext& context;
    int index;
    const graph::Layer& layer;
    const graph::LayerRule& rule;
    Json config;

    RuleExport(ExportContext& c, int i, const graph::RuleOp& op)
        : context(c), index(i), layer(c.graph().layer(i)), rule(*op.rule), config(rule.config())
    {
    }

    [[nodiscard]] GraphWriter& out() const { return context.out(); }
    [[nodiscard]] int source(std::size_t input = 0) const { return layer.inputs[input]; }
    [[nodiscard]] const Shape& inputShape(std::size_t input) const
    {
        return context.graph().layer(source(input)).outputShape;
    }
    [[nodiscard]] std::string wish(const char* what) const { return layer.name + "/" + what; }
    [[nodiscard]] bool isChannelsFirst() const
    {
        return member(config, "data_format") == "channels_first";
    }
    [[nodiscard]] std::string channelsFirst() const
    {
        return isChannelsFirst() ? context.stored(source()) : context.turned(source());
    }
    [[nodiscard]] bool inputIsTurned() const { return context.isTurned(source()); }
    [[nodiscard]] std::string asIs() const
    {
        return inputIsTurned() ? context.turned(source()) : context.stored(source());
    }
    void finish(std::string tensor, bool isTurned) const
    {
        context.finish(index, std::move(tensor), isTurned);
    }
    /// "… has a meaning in ONNX" is denied.
    void refuse(const std::string& why) const { context.refuse(layer, why + " expressed in ONNX"); }
};

/// A function of ONNX that was imported as such.
void writeFunction(ExportContext& context, int layer, const graph::FunctionSetup& setup);

} // namespace bitscape::io
