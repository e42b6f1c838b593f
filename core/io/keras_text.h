// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/json_text.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What the JSON of a Keras model says, before anything is made of it. The Json outlives all of it.
namespace bitscape::io {

/// A tensor that a call reads: an output of a call of a layer.
struct Edge {
    std::string layer;
    std::int64_t node = 0;
    std::int64_t tensor = 0;
    bool isMask = false; ///< as the argument `mask`, which Keras 3 writes out where it passes masks
};

/// A layer as the JSON says it.
struct LayerText {
    std::string name;
    std::string className;
    const Json* config = nullptr;
    std::vector<std::vector<Edge>> nodes = {}; ///< one per call; empty in Sequential models
    std::string storedClass = {};              ///< whose group holds its weights; empty: className
    std::shared_ptr<const Json> own = {};      ///< what `config` points to if not into the file
};

/// A model as the JSON says it.
struct ModelText {
    const Json* config = nullptr;
    const Json* layers = nullptr;
    bool isSequential = false;
};

/// A text member; empty if it is none.
[[nodiscard]] std::string textOf(const Json& value);
/// All tensors that `value` refers to, in order: lists of edges (Keras 1, 2) or objects with a
/// keras_history (Keras 3), nested as the call's arguments are.
[[nodiscard]] std::vector<Edge> edgesIn(const Json& value);
/// The layers of a list. CorruptFile naming the layer.
[[nodiscard]] Result<std::vector<LayerText>> layerTexts(const Json& entries);
/// What a class_name and config describe; nothing if that is not a model of layers.
[[nodiscard]] std::optional<ModelText> modelText(const std::string& className, const Json& config);
/// The shape, with batch, that a first layer (or a model in its place) says its input has.
[[nodiscard]] std::optional<Json> statedShape(const std::string& className, const Json& config);

/// The calls of a functional model in the order in which they can be made.
class CallPlan {
public:
    struct Source {
        int call = 0;
        std::int64_t tensor = 0;
    };
    struct Call {
        std::size_t layer = 0;
        std::size_t number = 0; ///< of the layer's calls
        std::vector<Source> sources;
    };

    /// `outputs`: what the model gives; it helps to tell how files count calls. Masks that layers
    /// make are left out, and operations that nothing else reads: masks are passed anew.
    /// CorruptFile: two layers of one name, a tensor that is not there, a circle.
    [[nodiscard]] static Result<CallPlan> make(const std::vector<LayerText>& layers,
                                               const std::vector<Edge>& outputs = {});

    [[nodiscard]] const std::vector<Call>& calls() const { return m_calls; }
    [[nodiscard]] const std::vector<int>& order() const { return m_order; }
    [[nodiscard]] Result<Source> find(const Edge& edge) const;

private:
    struct Place {
        int firstCall = 0;
        std::int64_t count = 1;
        std::int64_t base = 0; ///< number of the first call in edges
    };
    void countFrom(const std::vector<Edge>& edges);
    Result<void> connect(const std::vector<LayerText>& layers);
    void dropUnread(const std::vector<LayerText>& layers, const std::vector<Edge>& outputs);
    Result<void> sort(const std::vector<LayerText>& layers);

    std::map<std::string, Place, std::less<>> m_places;
    std::vector<Call> m_calls;
    std::vector<int> m_order;
};

} // namespace bitscape::io
