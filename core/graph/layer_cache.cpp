// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layer_cache.h"

#include "core/graph/plan_weights.h"
#include "core/tensor/float_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>

namespace bitscape::graph {

namespace {

std::uint64_t nextId()
{
    static std::atomic<std::uint64_t> s_last{0};
    return ++s_last;
}

/// Same bits: a NaN is itself, and −0 is not 0.
bool hasSameBits(const Tensor& a, const Tensor& b)
{
    return a.shape() == b.shape() &&
           (a.data() == b.data() ||
            std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) ==
                0);
}

/// What the kernel depends on besides the op and the weights' values.
std::string contentText(const Graph& graph, int index, const LayerQuantizers& quantizers,
                        quant::InternalSigmoid sigmoid, const ExpectedLevels& levels)
{
    const Layer& layer = graph.layer(index);
    std::string text = fmt::format("{};{};{}", layer.className, static_cast<int>(sigmoid),
                                   layer.outputShape.toString());
    for (const Shape& shape : graph.inputShapes(index)) {
        text += ";" + shape.toString();
    }
    if (!layer.inputs.empty()) {
        for (const Shape& part : graph.layer(layer.inputs.front()).parts) {
            text += "|" + part.toString();
        }
    }
    for (const auto& [slot, quantizer] : quantizers) {
        text += fmt::format(";{}={}", name(slot), quantizer->toString());
    }
    if (levels) {
        text += fmt::format(";{}·{}", levels->step, levels->largest);
    }
    return text;
}

Index storedBytes(const WeightSet& weights)
{
    Index bytes = 0;
    for (const TensorPtr& weight : weights) {
        bytes += weight->size() * static_cast<Index>(sizeof(float));
    }
    return bytes;
}

} // namespace

std::shared_ptr<const ReadyLayer> makeReadyLayer(const Graph& graph, int index,
                                                 const LayerQuantizers& quantizers,
                                                 quant::InternalSigmoid sigmoid,
                                                 const ExpectedLevels& levels)
{
    const Index before = FloatMemory::ofThisThread();
    const Layer& layer = graph.layer(index);
    auto ready = std::make_shared<ReadyLayer>();
    ready->id = nextId();
    ready->kernel = makeLayerKernel(graph, index, quantizers, {.sigmoid = sigmoid});
    if (levels) {
        ready->kernel->expectLevels(*levels);
    }
    const quant::CallContext call{.training = false, .sigmoid = sigmoid, .seed = 0};
    std::vector<TensorView> views;
    for (std::size_t w = 0; w < layer.weights.size(); ++w) {
        TensorPtr weight = layer.weights[w].value;
        ready->stored.push_back(weight);
        if (const auto quantizer = weightQuantizer(layer, quantizers, *ready->kernel, w)) {
            auto quantized = std::make_shared<Tensor>(weight->shape());
            quantizer->apply(weight->view(), quantized->mutableView(), call);
            weight = std::move(quantized);
        }
        views.push_back(weight->view());
        ready->weights.push_back(std::move(weight));
    }
    ready->kernel->setWeights(views);
    ready->bytes = FloatMemory::ofThisThread() - before;
    return ready;
}

std::shared_ptr<const ReadyLayer> LayerCache::get(const Graph& graph, int index,
                                                  const LayerQuantizers& quantizers,
                                                  quant::InternalSigmoid sigmoid,
                                                  const ExpectedLevels& levels)
{
    const std::string text = contentText(graph, index, quantizers, sigmoid, levels);
    const Layer& layer = graph.layer(index);
    {
        const std::lock_guard lock(m_mutex);
        if (auto found = find(text, layer)) {
            return found;
        }
    }
    auto made = makeReadyLayer(graph, index, quantizers, sigmoid, levels);
    const std::lock_guard lock(m_mutex);
    ++m_made;
    if (auto found = find(text, layer)) { // another thread was faster
        return found;
    }
    const Index bytes = made->bytes + storedBytes(made->stored);
    m_entries.push_front({text, layer.op, made, bytes});
    m_places.emplace(text, m_entries.begin());
    m_bytes += bytes;
    shrink();
    return made;
}

Index LayerCache::bytes() const
{
    const std::lock_guard lock(m_mutex);
    return m_bytes;
}

Index LayerCache::made() const
{
    const std::lock_guard lock(m_mutex);
    return m_made;
}

std::shared_ptr<const ReadyLayer> LayerCache::find(const std::string& text, const Layer& layer)
{
    const auto [first, last] = m_places.equal_range(text);
    const auto found = std::find_if(first, last, [&](const auto& place) {
        const Entry& entry = *place.second;
        const auto isSame = [](const TensorPtr& stored, const Weight& weight) {
            return hasSameBits(*stored, *weight.value);
        };
        return entry.op == layer.op &&
               std::ranges::equal(entry.layer->stored, layer.weights, isSame);
    });
    if (found == last) {
        return nullptr;
    }
    m_entries.splice(m_entries.begin(), m_entries, found->second);
    return found->second->layer;
}

void LayerCache::shrink()
{
    while (m_bytes > m_limit && !m_entries.empty()) {
        const auto oldest = std::prev(m_entries.end());
        const auto [first, last] = m_places.equal_range(oldest->text);
        m_places.erase(
            std::find_if(first, last, [&](const auto& place) { return place.second == oldest; }));
        m_bytes -= oldest->bytes;
        m_entries.erase(oldest);
    }
}

} // namespace bitscape::graph
