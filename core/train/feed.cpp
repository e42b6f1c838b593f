// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/feed.h"

#include "core/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <string>

namespace bitscape::train {

namespace {

constexpr std::string_view kWhere = "--class-weight";

void gather(const Tensor& from, std::span<const Index> order, Tensor& to)
{
    const Index size = from.shape().sample().elementCount();
    for (std::size_t i = 0; i < order.size(); ++i) {
        std::memcpy(to.data() + static_cast<Index>(i) * size, from.data() + order[i] * size,
                    static_cast<std::size_t>(size) * sizeof(float));
    }
}

template <class T>
void pick(const std::vector<T>& from, std::span<const Index> order, std::vector<T>& to)
{
    to.clear();
    for (const Index index : order) {
        to.push_back(from[static_cast<std::size_t>(index)]);
    }
}

Failure refused(std::string message)
{
    return fail(ErrorCode::InvalidArgument, std::move(message), std::string(kWhere),
                "Write it as 0:1.5,3:2 or balanced.");
}

Result<std::map<std::int64_t, double>> parseClassWeights(std::string_view text)
{
    std::map<std::int64_t, double> weights;
    for (const std::string& part : split(text, ',')) {
        const std::vector<std::string> sides = split(part, ':');
        if (sides.size() != 2) {
            return refused(fmt::format("'{}' is no class with its weight.", part));
        }
        const std::string_view name = trimmed(sides[0]);
        const std::string_view factor = trimmed(sides[1]);
        std::int64_t label = 0;
        double weight = 0;
        const bool isRead =
            std::from_chars(name.data(), name.data() + name.size(), label).ptr ==
                name.data() + name.size() &&
            std::from_chars(factor.data(), factor.data() + factor.size(), weight).ptr ==
                factor.data() + factor.size();
        if (!isRead || !(weight >= 0) || !std::isfinite(weight)) {
            return refused(fmt::format("'{}' is no class with its weight.", part));
        }
        weights[label] = weight;
    }
    return weights;
}

std::map<std::int64_t, double> balanced(const std::vector<std::int64_t>& labels)
{
    std::map<std::int64_t, double> weights;
    for (const std::int64_t label : labels) {
        weights[label] += 1.0;
    }
    const double share = static_cast<double>(labels.size()) / static_cast<double>(weights.size());
    for (auto& [label, count] : weights) {
        count = share / count;
    }
    return weights;
}

} // namespace

BatchFeed::BatchFeed(const Samples& samples, const Targets& targets,
                     std::vector<Augmentation> augmentations, Index batch, std::uint64_t seed)
    : m_samples(samples), m_targets(targets), m_augmentations(std::move(augmentations)),
      m_seed(seed)
{
    for (const Tensor& input : samples.inputs) {
        m_inputs.emplace_back(input.shape().sample().batchOf(batch));
    }
    m_values =
        Tensor(targets.labels.empty() ? targets.values.shape().sample().batchOf(batch) : Shape{0});
}

void BatchFeed::fill(std::span<const Index> order, int epoch)
{
    const auto count = static_cast<Index>(order.size());
    m_views.clear();
    for (std::size_t i = 0; i < m_inputs.size(); ++i) {
        gather(m_samples.inputs[i], order, m_inputs[i]);
        m_views.push_back(m_inputs[i].view().rows(0, count));
    }
    if (!m_augmentations.empty()) {
        augment(order, epoch);
    }
    m_wanted = {};
    if (m_targets.labels.empty()) {
        gather(m_targets.values, order, m_values);
        m_wanted.values = m_values.view().rows(0, count);
    } else {
        pick(m_targets.labels, order, m_labels);
        m_wanted.labels = m_labels;
    }
    if (!m_targets.weights.empty()) {
        pick(m_targets.weights, order, m_weights);
        m_wanted.weights = m_weights;
    }
}

void BatchFeed::augment(std::span<const Index> order, int epoch)
{
    const Rng ofEpoch = Rng(m_seed).split("augment").split(static_cast<std::uint64_t>(epoch));
    for (std::size_t i = 0; i < order.size(); ++i) {
        for (Tensor& input : m_inputs) {
            Rng rng = ofEpoch.split(static_cast<std::uint64_t>(order[i]));
            const Shape shape = input.shape().sample();
            const MutableTensorView image{
                input.data() + static_cast<Index>(i) * shape.elementCount(), shape};
            for (const Augmentation& change : m_augmentations) {
                change(image, rng);
            }
        }
    }
}

Result<std::vector<float>> sampleWeights(const Samples& samples, std::string_view classWeights)
{
    std::vector<float> weights = samples.weights;
    if (classWeights.empty()) {
        return weights;
    }
    if (!samples.hasLabels()) {
        return refused("The data hold no classes that could be weighted.");
    }
    using Table = Result<std::map<std::int64_t, double>>;
    auto table = classWeights == "balanced" ? Table(balanced(samples.labels))
                                            : parseClassWeights(classWeights);
    if (!table) {
        return fail(std::move(table).error());
    }
    weights.resize(samples.labels.size(), 1.0F);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const auto found = table->find(samples.labels[i]);
        weights[i] *= found == table->end() ? 1.0F : static_cast<float>(found->second);
    }
    return weights;
}

} // namespace bitscape::train
