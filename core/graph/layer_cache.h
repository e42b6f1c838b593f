// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/graph/layers/layer_kernel.h"

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace bitscape::graph {

/// A layer ready to run outside training: its kernel holds the weights, quantized and packed.
/// Immutable; any number of plans and threads run it.
struct ReadyLayer {
    std::uint64_t id = 0; ///< another one for every one that is made
    std::unique_ptr<LayerKernel> kernel;
    WeightSet stored;  ///< as they came
    WeightSet weights; ///< as used
    Index bytes = 0;   ///< of what was made of the stored weights
};

/// What its first input's values are expected to be; absent: anything.
using ExpectedLevels = std::optional<ByteConvolution::InputGrid>;

/// Makes layer `index` of the graph ready. Supported, shapes closed (ensured).
[[nodiscard]] std::shared_ptr<const ReadyLayer> makeReadyLayer(const Graph& graph, int index,
                                                               const LayerQuantizers& quantizers,
                                                               quant::InternalSigmoid sigmoid,
                                                               const ExpectedLevels& levels);

/// Keeps layers that were made ready, so that a plan costs only what no plan before it had: a
/// layer is found again by its content, that is operation, shapes, quantizers, expected levels and
/// the values of its weights. Bounded by bytes; what was not asked for the longest goes, plans that
/// run it keep it. Thread: any.
class LayerCache {
public:
    /// `bytes`: of stored, quantized and packed weights.
    explicit LayerCache(Index bytes = kUsualBytes) : m_limit(bytes) {}

    /// As makeReadyLayer().
    [[nodiscard]] std::shared_ptr<const ReadyLayer> get(const Graph& graph, int index,
                                                        const LayerQuantizers& quantizers,
                                                        quant::InternalSigmoid sigmoid,
                                                        const ExpectedLevels& levels);
    [[nodiscard]] Index bytes() const;
    /// Layers that get() had to make, since the beginning.
    [[nodiscard]] Index made() const;

    static constexpr Index kUsualBytes = Index{256} << 20U;

private:
    struct Entry {
        std::string text; ///< of the content that is cheap to write down
        Op op;
        std::shared_ptr<const ReadyLayer> layer;
        Index bytes = 0;
    };
    using Entries = std::list<Entry>; // the latest first

    [[nodiscard]] std::shared_ptr<const ReadyLayer> find(const std::string& text,
                                                         const Layer& layer);
    void shrink();

    Index m_limit;
    mutable std::mutex m_mutex;
    Entries m_entries;
    std::multimap<std::string, Entries::iterator, std::less<>> m_places;
    Index m_bytes = 0, m_made = 0;
};

} // namespace bitscape::graph
