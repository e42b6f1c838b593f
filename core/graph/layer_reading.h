// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_config.h"
#include "core/graph/layer_registry.h"

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bitscape::graph {

class LayerRule;

/// A layer while its config is read. A row's `read` asks for what it needs and sets `meaning`;
/// wrong values are remembered by `config`, what is not covered by lacks().
class LayerReading {
public:
    /// `kinds`: rows that layers inside this one are looked up in.
    LayerReading(const LayerInfo& info, const Json& json, const KerasDialect& writtenBy,
                 bool isOfQKeras, std::span<const LayerInfo> kinds)
        : config(json), dialect(writtenBy), isQuantized(isOfQKeras), m_info(info), m_kinds(kinds)
    {
    }

    KerasConfig config;
    KerasDialect dialect;
    bool isQuantized; ///< a class of QKeras
    LayerMeaning meaning;

    /// The first reason why the layer cannot be run is kept.
    void lacks(std::string reason);
    [[nodiscard]] const std::string& reason() const { return m_reason; }

    template <class Rule, class... Arguments>
    [[nodiscard]] RuleOp rule(Arguments&&... arguments) const
    {
        return {&m_info, std::make_shared<const Rule>(std::forward<Arguments>(arguments)...)};
    }
    /// Makes a registered layer of it.
    template <class Rule, class... Arguments>
    void become(Arguments&&... arguments)
    {
        meaning.op = rule<Rule>(std::forward<Arguments>(arguments)...);
    }

    /// The activation field `key`: its function; where it names a quantizer, that goes to `slot`
    /// and the function is linear. `otherwise`: what the class takes if the key is absent.
    Function activation(const char* key = "activation", Slot slot = Slot::Activation,
                        const char* otherwise = nullptr);
    /// SLOT_quantizer of each slot; for classes of QKeras only.
    void quantizers(std::initializer_list<Slot> slots);
    /// A quantizer under a key of its own; `otherwise` is what an absent key means.
    void quantizer(Slot slot, const char* key, const char* otherwise = nullptr);
    /// Parameters of ReLU, LeakyReLU, ELU or Softmax objects in `config`.
    Function functionOfClass(std::string_view className);

    /// A pair of whole numbers from 0 for each axis: 2, [1, 1], [[0, 1], [0, 1]]; 1 if absent.
    std::vector<int> pairs(const char* key, int rank);
    Padding padding();
    bool channelsFirst();
    /// Keras writes an axis as a number or as a list of one.
    int axis(const char* key, int otherwise);
    /// The same for a list of several; ascending as given, no axis 0.
    std::vector<int> axes(const char* key, std::vector<int> otherwise);

    /// The layer that a wrapper holds under `key`.
    [[nodiscard]] Result<LayerMeaning> inner(const char* key) const;

private:
    Function functionByName(const std::string& name);
    void placeQuantizer(Slot slot, const Json& value);

    const LayerInfo& m_info;
    std::span<const LayerInfo> m_kinds;
    std::string m_reason;
};

} // namespace bitscape::graph
