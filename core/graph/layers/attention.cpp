// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/attention.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/attention_kernels.h"
#include "core/graph/layers/rule_support.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bitscape::graph {

namespace {

/// Query, value and (perhaps) key are sequences that fit each other.
Result<void> requireSequences(std::span<const Shape> inputs, bool sharesFeatures)
{
    const Shape& query = inputs[0];
    const Shape& value = inputs[1];
    const Shape& key = inputs.size() > 2 ? inputs[2] : value;
    for (const Shape& input : inputs) {
        if (input.rank() != 2 || input[1] < 0) {
            return shapeMismatch(
                fmt::format("It needs sequences (steps × features), got {}.", input.toString()));
        }
    }
    if (value[0] != key[0] || (sharesFeatures && query[1] != key[1])) {
        return shapeMismatch(fmt::format("Query {}, value {} and key {} do not fit each other.",
                                         query.toString(), value.toString(), key.toString()));
    }
    return {};
}

/// Keras' order of the inputs is query, value, key.
class AttentionRule final : public LayerRule {
public:
    explicit AttentionRule(const AttentionSetup& setup) : m_setup(setup) {}

    InputCount inputCount() const override { return {2, 3}; }
    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        if (auto ok = requireSequences(inputs, true); !ok) {
            return fail(std::move(ok).error());
        }
        OpShape result{.output = Shape{inputs[0][0], inputs[1][1]}};
        const Index pairs = closedCount(Shape{inputs[0][0], inputs[1][0]});
        result.macs = std::max<Index>(pairs, 0) * (inputs[0][1] + inputs[1][1]);
        if (m_setup.learnsScale) {
            const bool perFeature = m_setup.score == Score::Additive;
            result.weights.push_back(
                {"scale", perFeature ? Shape{inputs[0][1]} : Shape{}, true, 1.0F});
        }
        if (m_setup.score == Score::Concat) {
            result.weights.push_back({"concat_score_weight", {}, true, 1.0F});
        }
        return result;
    }
    std::vector<RuleWeight> weights() const override
    {
        std::vector<RuleWeight> all;
        if (m_setup.learnsScale) {
            all.push_back({"scale"});
        }
        if (m_setup.score == Score::Concat) {
            all.push_back({"concat_score_weight"});
        }
        return all;
    }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        return makeAttentionKernel(m_setup, request);
    }
    Json config() const override
    {
        Json config{{"use_scale", m_setup.learnsScale},
                    {"causal", m_setup.isCausal},
                    {"dropout", m_setup.dropout}};
        if (m_setup.score != Score::Additive) {
            config["score_mode"] = m_setup.score == Score::Dot ? "dot" : "concat";
        }
        return config;
    }

private:
    AttentionSetup m_setup;
};

class HeadsRule final : public LayerRule {
public:
    /// `outputSize` 0: that of the query.
    explicit HeadsRule(const HeadsSetup& setup) : m_setup(setup) {}

    InputCount inputCount() const override { return {2, 3}; }
    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        if (auto ok = requireSequences(inputs, false); !ok) {
            return fail(std::move(ok).error());
        }
        const Shape& query = inputs[0];
        const Shape& value = inputs[1];
        const Shape& key = inputs.size() > 2 ? inputs[2] : value;
        const Index heads = m_setup.heads;
        const Index keySize = m_setup.keySize;
        const Index valueSize = m_setup.valueSize;
        const Index outputSize = m_setup.outputSize > 0 ? m_setup.outputSize : query[1];
        OpShape result{.output = Shape{query[0], outputSize}};
        const auto add = [&](const char* name, const Shape& kernel, const Shape& bias) {
            result.weights.push_back({std::string(name) + "/kernel", kernel});
            if (m_setup.useBias) {
                result.weights.push_back({std::string(name) + "/bias", bias});
            }
        };
        add("query", {query[1], heads, keySize}, {heads, keySize});
        add("key", {key[1], heads, keySize}, {heads, keySize});
        add("value", {value[1], heads, valueSize}, {heads, valueSize});
        add("attention_output", {heads, valueSize, outputSize}, {outputSize});
        if (query[0] >= 0 && value[0] >= 0) {
            result.macs = heads * (query[0] * (query[1] * keySize + valueSize * outputSize) +
                                   value[0] * (key[1] * keySize + value[1] * valueSize) +
                                   query[0] * value[0] * (keySize + valueSize));
        }
        return result;
    }
    std::vector<RuleWeight> weights() const override
    {
        std::vector<RuleWeight> all;
        for (const char* name : {"query", "key", "value", "attention_output"}) {
            all.push_back({std::string(name) + "/kernel"});
            if (m_setup.useBias) {
                all.push_back({std::string(name) + "/bias"});
            }
        }
        return all;
    }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        HeadsSetup setup = m_setup;
        setup.outputSize = request.layer.outputShape[1];
        return makeHeadsKernel(setup, request);
    }
    Json config() const override
    {
        return {{"num_heads", m_setup.heads},
                {"key_dim", m_setup.keySize},
                {"value_dim", m_setup.valueSize},
                {"dropout", m_setup.dropout},
                {"use_bias", m_setup.useBias},
                {"output_shape", m_setup.outputSize > 0 ? Json(m_setup.outputSize) : Json(nullptr)},
                {"attention_axes", Json::array({1})}};
    }

private:
    HeadsSetup m_setup;
};

/// Of samples × steps × features. Without steps Keras lets the samples of a batch attend to each
/// other, which no engine that runs them one by one can do.
constexpr int kFeatureAxis = 2;

float readDropout(LayerReading& reading)
{
    const float rate = reading.config.real("dropout", 0.0F);
    if (!(rate >= 0.0F && rate < 1.0F)) {
        reading.config.refuse("dropout", "It must be from 0 up to 1.");
        return 0.0F;
    }
    return rate;
}

void readAttention(LayerReading& reading)
{
    AttentionSetup setup;
    const std::string mode = reading.config.text("score_mode", "dot");
    if (mode != "dot" && mode != "concat") {
        reading.config.refuse("score_mode", "It must be dot or concat.");
    }
    setup.score = mode == "concat" ? Score::Concat : Score::Dot;
    setup.learnsScale = reading.config.boolean("use_scale", false);
    setup.isCausal = reading.config.boolean("causal", false);
    setup.dropout = readDropout(reading);
    reading.become<AttentionRule>(setup);
    reading.meaning.lastAxis = kFeatureAxis;
}

void readAdditiveAttention(LayerReading& reading)
{
    AttentionSetup setup{.score = Score::Additive};
    setup.learnsScale = reading.config.boolean("use_scale", true);
    setup.isCausal = reading.config.boolean("causal", false);
    setup.dropout = readDropout(reading);
    reading.become<AttentionRule>(setup);
    reading.meaning.lastAxis = kFeatureAxis;
}

void readHeads(LayerReading& reading)
{
    KerasConfig& config = reading.config;
    HeadsSetup setup;
    setup.heads = static_cast<int>(config.integer("num_heads", 0, 1, kMaxExtent));
    setup.keySize = static_cast<int>(config.integer("key_dim", 0, 1, kMaxExtent));
    setup.valueSize = static_cast<int>(config.integer("value_dim", setup.keySize, 1, kMaxExtent));
    setup.useBias = config.boolean("use_bias", true);
    setup.dropout = readDropout(reading);
    if (setup.heads == 0 || setup.keySize == 0) {
        config.refuse(setup.heads == 0 ? "num_heads" : "key_dim", "It is missing.");
    }
    const Json& output = config.at("output_shape");
    const Json& size = output.is_array() && output.size() == 1 ? output.front() : output;
    setup.outputSize = 0;
    if (size.is_number_integer() && size.get<std::int64_t>() >= 1 &&
        size.get<std::int64_t>() <= kMaxChannels) {
        setup.outputSize = size.get<Index>();
    } else if (!size.is_null()) {
        reading.lacks("an output_shape of several axes is not covered");
    }
    if (reading.axes("attention_axes", {1}) != std::vector{1}) {
        reading.lacks("attention along other axes than the first is not covered");
    }
    reading.become<HeadsRule>(setup);
    reading.meaning.lastAxis = kFeatureAxis;
}

} // namespace

std::span<const LayerInfo> attentionLayers()
{
    static constexpr std::array kRows{
        LayerInfo{"Attention", "", "Means of values, weighted by how keys match queries.",
                  readAttention},
        LayerInfo{"AdditiveAttention", "",
                  "Means of values, weighted by a learned match of keys and queries.",
                  readAdditiveAttention},
        LayerInfo{"MultiHeadAttention", "", "Several attentions over projections, mixed.",
                  readHeads},
    };
    return kRows;
}

} // namespace bitscape::graph
