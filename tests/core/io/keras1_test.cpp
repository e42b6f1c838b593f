// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras1.h"
#include "core/io/model_file.h"
#include "tests/core/io/keras_support.h"
#include "tests/core/io/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitscape::io {
namespace {

using namespace tests; // NOLINT(google-build-using-namespace): helpers of this folder
using ::testing::HasSubstr;

class Keras1Test : public ::testing::Test {
protected:
    /// A file as Keras 1 wrote it.
    Result<ModelFile> load(const Json& model, const std::vector<StoredLayerOf>& weights,
                           const std::string& version = "1.2.2")
    {
        writeKeras(m_folder / "m.h5", model, weights, version);
        return loadModel(m_folder / "m.h5");
    }
    Result<ModelFile> structure(Json model)
    {
        model["keras_version"] = "1.2.2";
        return loadModel(m_folder.write("m.json", model.dump()));
    }
    static const Tensor& weight(const Result<ModelFile>& file, int layer, int index)
    {
        return *file->graph->layer(layer).weights[static_cast<std::size_t>(index)].value;
    }

    TemporaryFolder m_folder;
};

Json bare(std::vector<Json> layers)
{
    return {{"class_name", "Sequential"}, {"config", layers}};
}

Json convolution(const std::string& order)
{
    return layer("Convolution2D", {{"name", "c"},
                                   {"nb_filter", 2},
                                   {"nb_row", 3},
                                   {"nb_col", 2},
                                   {"subsample", {1, 2}},
                                   {"border_mode", "same"},
                                   {"dim_ordering", order},
                                   {"bias", false},
                                   {"activation", "relu"},
                                   {"batch_input_shape", {nullptr, 4, 4, 4}}});
}

TEST_F(Keras1Test, ReadsConvolutions)
{
    Tensor kernel(Shape{2, 4, 3, 2}); // out, in, rows, columns
    for (Index i = 0; i < kernel.size(); ++i) {
        kernel.values()[static_cast<std::size_t>(i)] = static_cast<float>(i);
    }
    const auto file = load(bare({convolution("th")}), {{"c", {{"c_W", kernel}}}});
    ASSERT_TRUE(file) << file.error().sentence();
    const graph::Layer& conv = file->graph->layer(1);
    const auto& op = std::get<graph::ConvOp>(conv.op);
    EXPECT_EQ(conv.className, "Conv2D");
    EXPECT_EQ(op.filters, 2);
    EXPECT_EQ(op.kernel, (graph::Extent{3, 2}));
    EXPECT_EQ(op.stride, (graph::Extent{1, 2}));
    EXPECT_EQ(op.padding, graph::Padding::Same);
    EXPECT_TRUE(op.channelsFirst);
    EXPECT_FALSE(op.useBias);
    EXPECT_EQ(op.function.kind, graph::FunctionKind::Relu);
    const Tensor& now = weight(file, 1, 0);
    ASSERT_EQ(now.shape(), (Shape{3, 2, 4, 2}));
    // [row 2, column 1, in 3, out 1] was [1, 3, 2, 1]
    EXPECT_EQ(now.values()[static_cast<std::size_t>(((2 * 2 + 1) * 4 + 3) * 2 + 1)],
              kernel.values()[static_cast<std::size_t>(((1 * 4 + 3) * 3 + 2) * 2 + 1)]);
    // TensorFlow's order stays.
    const auto last = load(bare({convolution("tf")}), {{"c", {{"c_W", ramp({3, 2, 4, 2})}}}});
    ASSERT_TRUE(last) << last.error().sentence();
    EXPECT_EQ(weight(last, 1, 0), ramp({3, 2, 4, 2}));
    EXPECT_FALSE(load(bare({convolution("th")}), {{"c", {{"c_W", ramp({2, 4, 3})}}}}));
}

TEST_F(Keras1Test, TakesTheOrderOfAxesFromTheOtherLayers)
{
    const Json up = layer("UpSampling2D", {{"name", "u"}, {"size", {2, 2}}});
    const auto first = structure(bare({convolution("th"), up}));
    ASSERT_TRUE(first) << first.error().sentence();
    EXPECT_EQ(first->graph->layer(2).outputShape, (Shape{2, 8, 4}));
    const auto last = structure(bare({convolution("tf"), up}));
    ASSERT_TRUE(last) << last.error().sentence();
    EXPECT_EQ(last->graph->layer(2).outputShape, (Shape{8, 4, 2}));
}

TEST_F(Keras1Test, TurnsKernelsOfTheano)
{
    for (const auto& [backend, value] :
         {std::pair("theano", 5.0F), std::pair("tensorflow", 0.0F)}) {
        std::vector<StoredWeight> weights{{"kernel:0", ramp({3, 2, 1, 1}, 1)}};
        const auto changed = modernize({2, backend}, "Conv2D", Json::object(), weights);
        ASSERT_TRUE(changed);
        EXPECT_EQ(*changed, value != 0.0F);
        EXPECT_EQ(weights[0].value.values().front(), value);
    }
}

TEST_F(Keras1Test, ReadsSequenceKernels)
{
    const auto conv = [](const std::string& name) {
        return layer("Convolution1D", {{"name", name},
                                       {"nb_filter", 2},
                                       {"filter_length", 3},
                                       {"border_mode", "valid"},
                                       {"subsample_length", 1}});
    };
    Json first = conv("a");
    first["config"]["batch_input_shape"] = {nullptr, 9, 4};
    const auto file = load(bare({first, conv("b")}),
                           {{"a", {{"a_W", ramp({3, 1, 4, 2})}, {"a_b", ramp({2})}}},
                            {"b", {{"b_W", ramp({2, 2, 3, 1}, 1)}, {"b_b", ramp({2})}}}});
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(weight(file, 1, 0), ramp({3, 4, 2}));
    // [tap 2, in 1, out 0] was [0, 1, 2, 0]
    EXPECT_EQ(weight(file, 2, 0).values()[(2 * 2 + 1) * 2], 1 * 3 + 2);
}

TEST_F(Keras1Test, PutsGatesSideBySide)
{
    std::vector<StoredValue> lstm;
    float number = 0;
    for (const char* gate : {"i", "c", "f", "o"}) {
        for (const auto& [kind, shape] :
             {std::pair("W", Shape{3, 1}), std::pair("U", Shape{1, 1}), std::pair("b", Shape{1})}) {
            Tensor value(shape);
            std::ranges::fill(value.values(), number);
            lstm.push_back({std::string("l_") + kind + "_" + gate, value});
        }
        number += 1;
    }
    std::vector<StoredValue> both = lstm;
    for (const StoredValue& value : lstm) {
        both.push_back({"back_" + value.name, value.value});
    }
    const Json config{{"name", "l"},
                      {"output_dim", 1},
                      {"return_sequences", true},
                      {"inner_activation", "hard_sigmoid"},
                      {"batch_input_shape", {nullptr, 5, 3}}};
    const auto one = load(bare({layer("LSTM", config)}), {{"l", lstm}});
    ASSERT_TRUE(one) << one.error().sentence();
    Tensor gates(Shape{4}, std::vector<float>{0, 2, 1, 3}); // i, f, c, o
    EXPECT_EQ(weight(one, 1, 2), gates);
    EXPECT_EQ(weight(one, 1, 0).shape(), (Shape{3, 4}));
    const auto two = load(bare({layer("Bidirectional", {{"name", "b"},
                                                        {"layer", layer("LSTM", config)},
                                                        {"merge_mode", "concat"},
                                                        {"batch_input_shape", {nullptr, 5, 3}}})}),
                          {{"b", both}});
    ASSERT_TRUE(two) << two.error().sentence();
    EXPECT_EQ(weight(two, 1, 5), gates);
    // Joined already, as consume_less = "gpu" made them.
    const auto joined =
        load(bare({layer("LSTM", config)}),
             {{"l", {{"l_W", ramp({3, 4})}, {"l_U", ramp({1, 4})}, {"l_b", ramp({4})}}}});
    ASSERT_TRUE(joined) << joined.error().sentence();
    EXPECT_EQ(weight(joined, 1, 0), ramp({3, 4}));
}

TEST_F(Keras1Test, ReadsMerges)
{
    const auto branch = [](const std::string& name) {
        return bare({layer("Dense", {{"name", name},
                                     {"output_dim", 3},
                                     {"bias", true},
                                     {"batch_input_shape", {nullptr, 4}}})});
    };
    const auto merged = [&](const std::string& mode) {
        return structure(bare({layer("Merge", {{"name", "m"},
                                               {"layers", {branch("a"), branch("b")}},
                                               {"mode", mode},
                                               {"mode_type", "raw"},
                                               {"concat_axis", -1},
                                               {"dot_axes", {{1}, {1}}}}),
                               layer("Dense", {{"name", "d"}, {"output_dim", 2}})}));
    };
    for (const auto& [mode, name, size] :
         {std::tuple("sum", "Add", 3), std::tuple("mul", "Multiply", 3),
          std::tuple("concat", "Concatenate", 6), std::tuple("ave", "Average", 3),
          std::tuple("max", "Maximum", 3), std::tuple("dot", "Dot", 1)}) {
        const auto file = merged(mode);
        ASSERT_TRUE(file) << mode << file.error().sentence();
        const graph::Layer& merge = file->graph->layer(file->graph->find("m"));
        EXPECT_EQ(merge.className, name);
        EXPECT_EQ(merge.outputShape, (Shape{size})) << mode;
        EXPECT_EQ(merge.inputs.size(), 2U);
        EXPECT_EQ(file->graph->inputs().size(), 2U);
        EXPECT_TRUE(file->graph->unsupported().empty());
    }
    const auto code = merged("cos");
    ASSERT_TRUE(code) << code.error().sentence();
    EXPECT_EQ(code->graph->layer(code->graph->unsupported()[0]).className, "Merge");
}

TEST_F(Keras1Test, ReadsTheOtherNamesOfThings)
{
    const auto file =
        structure(bare({layer("ZeroPadding2D", {{"name", "z"},
                                                {"padding", {{"top_pad", 1}, {"left_pad", 2}}},
                                                {"dim_ordering", "tf"},
                                                {"batch_input_shape", {nullptr, 6, 6, 1}}}),
                        layer("MaxPooling2D", {{"name", "p"},
                                               {"pool_size", {2, 2}},
                                               {"strides", {2, 2}},
                                               {"border_mode", "valid"},
                                               {"dim_ordering", "tf"}}),
                        layer("Dropout", {{"name", "o"}, {"p", 0.25}}),
                        layer("Reshape", {{"name", "r"}, {"target_shape", {3, 4}}}),
                        layer("TimeDistributedDense", {{"name", "t"}, {"output_dim", 5}}),
                        layer("GRU", {{"name", "g"}, {"output_dim", 2}}),
                        layer("BatchNormalization", {{"name", "n"}, {"mode", 0}, {"axis", -1}}),
                        layer("BatchNormalization", {{"name", "n1"}, {"mode", 1}, {"axis", -1}}),
                        layer("Highway", {{"name", "h"}})}));
    ASSERT_TRUE(file) << file.error().sentence();
    const graph::Graph& graph = *file->graph;
    EXPECT_EQ(graph.layer(1).outputShape, (Shape{7, 8, 1}));
    EXPECT_EQ(std::get<graph::DropoutOp>(graph.layer(3).op).rate, 0.25F);
    EXPECT_EQ(graph.layer(5).outputShape, (Shape{3, 5}));
    EXPECT_EQ(graph.layer(6).weights[2].value->shape(), (Shape{6})); // no reset_after
    EXPECT_TRUE(graph.layer(7).isSupported());
    EXPECT_FALSE(graph.layer(8).isSupported());
    EXPECT_THAT(std::get<graph::UnsupportedOp>(graph.layer(9).op).reason, HasSubstr("Keras 1"));
}

} // namespace
} // namespace bitscape::io
