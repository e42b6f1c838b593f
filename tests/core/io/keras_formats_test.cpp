// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_tree.h"
#include "core/io/keras_zip.h"
#include "core/io/load_options.h"
#include "core/io/pickle.h"
#include "core/io/saved_model.h"
#include "core/io/zip_archive.h"
#include "tests/core/io/keras_support.h"
#include "tests/core/io/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitscape::io {
namespace {

using namespace tests; // NOLINT(google-build-using-namespace): helpers of this folder
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Variables {
    std::string path; ///< of the group around `vars`; "" for the root
    std::vector<Tensor> values;
    std::string title = {};
};

Json dense(const std::string& name, int units)
{
    return layer("Dense", {{"name", name}, {"units", units}});
}

class KerasFormatsTest : public ::testing::Test {
protected:
    /// Bytes of a file in the layout of `.weights.h5`.
    std::string weights(const std::vector<Variables>& groups)
    {
        const std::string path = m_folder / "tree.weights.h5";
        {
            auto file = hdf5::File::create(path, hdf5::Format::Earliest);
            EXPECT_TRUE(file);
            for (const Variables& variables : groups) {
                const bool isRoot = variables.path.empty();
                auto group = file->makeGroup(isRoot ? "vars" : variables.path + "/vars");
                EXPECT_TRUE(group);
                if (!variables.title.empty()) {
                    EXPECT_TRUE(group->setText("name", variables.title));
                }
                for (std::size_t i = 0; i < variables.values.size(); ++i) {
                    EXPECT_TRUE(group->write(std::to_string(i), variables.values[i].view(),
                                             hdf5::Storage::Plain));
                }
            }
        }
        return contentOf(path);
    }
    Result<ModelFile> zip(const Json& model, const std::vector<Variables>& groups,
                          const std::string& version = "3.5.0")
    {
        return pack({{"metadata.json", Json{{"keras_version", version}}.dump()},
                     {"config.json", model.dump()},
                     {"model.weights.h5", weights(groups)}});
    }
    Result<ModelFile> pack(const ZipEntries& entries)
    {
        return loadModel(m_folder.write("m.keras", *writeZip(entries, "m.keras")));
    }
    static const Tensor& weight(const Result<ModelFile>& file, const std::string& layer, int index)
    {
        const graph::Graph& graph = *file->graph;
        return *graph.layer(graph.find(layer)).weights[static_cast<std::size_t>(index)].value;
    }
    static void expectRefused(const Result<ModelFile>& file, const std::string& says)
    {
        ASSERT_FALSE(file) << says;
        EXPECT_EQ(file.error().code, ErrorCode::CorruptFile) << file.error().sentence();
        EXPECT_THAT(file.error().sentence(), HasSubstr(says));
    }

    TemporaryFolder m_folder;
};

const std::vector<Variables> kTwo{{"layers/dense", {ramp({4, 3}), ramp({3})}},
                                  {"layers/dense_1", {ramp({3, 3}, 2), ramp({3}, 3)}}};

Json two()
{
    return sequential({input("in", {4}), dense("a", 3), dense("b", 3)});
}

TEST(KerasTree, NamesGroupsAsKerasDoes)
{
    const std::vector<std::pair<std::string, std::string>> table{
        {"Dense", "dense"},
        {"Conv2D", "conv2d"},
        {"QConv2DBatchnorm", "q_conv2d_batchnorm"},
        {"BatchNormalization", "batch_normalization"},
        {"PruneLowMagnitude", "prune_low_magnitude"},
        {"LSTM", "lstm"},
        {"ConvLSTM2D", "conv_lstm2d"},
        {"PReLU", "p_re_lu"},
        {"SeparableConv1D", "separable_conv1d"},
        {"GlobalAveragePooling2D", "global_average_pooling2d"}};
    for (const auto& [name, snake] : table) {
        EXPECT_EQ(snakeCase(name), snake);
    }
}

TEST_F(KerasFormatsTest, ReadsArchives)
{
    const auto file = zip(two(), kTwo);
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(file->format, "keras-zip");
    EXPECT_EQ(file->kerasVersion, "3.5.0");
    EXPECT_EQ(weight(file, "a", 0), ramp({4, 3}));
    EXPECT_EQ(weight(file, "b", 1), ramp({3}, 3));
    const auto again = loadModelFromMemory(file->architecture, file->bytes);
    ASSERT_TRUE(again) << again.error().sentence();
    EXPECT_EQ(again->sha256, file->sha256);
    EXPECT_EQ(again->kerasVersion, "3.5.0");
    EXPECT_EQ(weight(again, "b", 0), ramp({3, 3}, 2));
}

TEST_F(KerasFormatsTest, PrefersTheNamesThatGroupsCarry)
{
    const auto file = zip(two(), {{"layers/dense", {ramp({3, 3}, 2), ramp({3}, 3)}, "b"},
                                  {"layers/dense_1", {ramp({4, 3}), ramp({3})}, "a"}});
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(weight(file, "a", 0), ramp({4, 3}));
    EXPECT_EQ(weight(file, "b", 0), ramp({3, 3}, 2));
}

TEST_F(KerasFormatsTest, CountsAsAnyWriterDoes)
{
    // Keras 2.12 to 2.14 count layers with weights twice.
    const auto old =
        zip(two(),
            {{"_layer_checkpoint_dependencies/dense", {ramp({4, 3}), ramp({3})}},
             {"_layer_checkpoint_dependencies/dense_2", {ramp({3, 3}, 2), ramp({3}, 3)}}},
            "2.13.1");
    ASSERT_TRUE(old) << old.error().sentence();
    EXPECT_EQ(weight(old, "b", 0), ramp({3, 3}, 2));
    // More than nine of a class: numbers, not texts, ascend.
    std::vector<Json> layers{input("in", {2})};
    std::vector<Variables> groups;
    for (int i = 0; i < 12; ++i) {
        layers.push_back(dense("d" + std::to_string(i), 2));
        groups.push_back({i == 0 ? "layers/dense" : "layers/dense_" + std::to_string(i),
                          {ramp({2, 2}, static_cast<float>(i)), ramp({2})}});
    }
    const auto many = zip(sequential(layers), groups);
    ASSERT_TRUE(many) << many.error().sentence();
    EXPECT_EQ(weight(many, "d2", 0), ramp({2, 2}, 2));
    EXPECT_EQ(weight(many, "d10", 0), ramp({2, 2}, 10));
}

TEST_F(KerasFormatsTest, FindsWeightsInsideLayers)
{
    const Json lstm = layer("LSTM", {{"name", "l"}, {"units", 2}, {"return_sequences", true}});
    Json both = layer("Bidirectional", {{"name", "b"}, {"layer", lstm}});
    const auto file =
        zip(sequential({input("in", {3, 1}), lstm, both,
                        layer("TimeDistributed", {{"name", "t"}, {"layer", dense("d", 2)}}),
                        layer("Dropout", {{"name", "o"}, {"rate", 0.5}})}),
            {{"layers/lstm/cell", {ramp({1, 8}), ramp({2, 8}), ramp({8})}},
             {"layers/bidirectional/forward_layer/cell",
              {ramp({2, 8}, 1), ramp({2, 8}, 2), ramp({8}, 3)}},
             {"layers/bidirectional/backward_layer/cell",
              {ramp({2, 8}, 4), ramp({2, 8}, 5), ramp({8}, 6)}},
             {"layers/time_distributed/layer", {ramp({4, 2}), ramp({2})}},
             {"layers/dropout/seed_generator", {ramp({2})}},
             {"optimizer", {ramp({1})}},
             {"", {}}});
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(weight(file, "l", 1), ramp({2, 8}));
    EXPECT_EQ(weight(file, "b", 2), ramp({8}, 3));
    EXPECT_EQ(weight(file, "b", 3), ramp({2, 8}, 4));
    EXPECT_EQ(weight(file, "t", 0), ramp({4, 2}));
    EXPECT_THAT(file->notes.back().subject, HasSubstr("optimizer"));
}

TEST_F(KerasFormatsTest, ReadsCellsAsTheirLayers)
{
    const Json cell = layer("GRUCell", {{"name", "c"}, {"units", 2}, {"reset_after", false}});
    const auto file =
        zip(sequential({input("in", {3, 1}), layer("RNN", {{"name", "r"}, {"cell", cell}})}),
            {{"layers/rnn/cell", {ramp({1, 6}), ramp({2, 6}), ramp({6})}}});
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_TRUE(file->graph->unsupported().empty());
    EXPECT_EQ(file->graph->layer(1).className, "GRU");
    EXPECT_EQ(weight(file, "r", 1), ramp({2, 6}));
}

TEST_F(KerasFormatsTest, ReadsPathsOfWindows)
{
    const auto file = zip(two(), {{"layers\\dense", {ramp({4, 3}), ramp({3})}},
                                  {"layers\\dense_1", {ramp({3, 3}, 2), ramp({3}, 3)}}});
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(weight(file, "b", 0), ramp({3, 3}, 2));
}

TEST_F(KerasFormatsTest, AppliesTheMasksOfPruning)
{
    Tensor mask(Shape{4, 3});
    mask.values()[1] = 1.0F;
    const auto file =
        zip(sequential({input("in", {4}),
                        layer("PruneLowMagnitude", {{"name", "p"}, {"layer", dense("d", 3)}})}),
            {{"layers/prune_low_magnitude", {mask, ramp({}), ramp({})}},
             {"layers/prune_low_magnitude/layer", {ramp({4, 3}, 1), ramp({3})}}},
            "2.15.0");
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(weight(file, "p", 0), mask); // its second value is 1
    EXPECT_EQ(weight(file, "p", 1), ramp({3}));
    EXPECT_EQ(file->notes.back().kind, ImportKind::Converted);
}

TEST_F(KerasFormatsTest, TakesModelsInsideApart)
{
    Json inner = functional({{input("x", {4}), {}},
                             {dense("d", 3), {"x"}},
                             {layer("BatchNormalization", {{"name", "n"}, {"axis", {1}}}), {"d"}}},
                            {"n"});
    inner["config"]["name"] = "base";
    inner["name"] = "base";
    Json model = functional({{input("a", {4}), {}}, {input("b", {4}), {}}}, {"a"});
    Json entry = inner;
    entry["inbound_nodes"] = Json::parse(R"([[["a", 0, 0, {}]], [["b", 0, 0, {}]]])");
    Json sum = layer("Add", {{"name", "sum"}});
    sum["name"] = "sum";
    sum["inbound_nodes"] = Json::parse(R"([[["base", 1, 0, {}], ["base", 2, 0, {}]]])");
    model["config"]["layers"].push_back(entry);
    model["config"]["layers"].push_back(sum);
    model["config"]["output_layers"] = Json::parse(R"([["sum", 0, 0]])");
    const std::vector<Tensor> norm{ramp({3}, 1), ramp({3}, 2), ramp({3}, 3), ramp({3}, 4)};
    const auto check = [&](const Result<ModelFile>& file) {
        ASSERT_TRUE(file) << file.error().sentence();
        const graph::Graph& graph = *file->graph;
        EXPECT_EQ(graph.parameterCount(), 15 + 12);
        EXPECT_EQ(weight(file, "base.d", 0), ramp({4, 3}));
        EXPECT_EQ(weight(file, "base.n", 3), ramp({3}, 4));
        EXPECT_EQ(weight(file, "base-2.n", 2), ramp({3}, 3));
        EXPECT_THAT(graph.layer(graph.find("sum")).inputs,
                    ElementsAre(graph.find("base.n"), graph.find("base-2.n")));
        EXPECT_EQ(graph.inputs().size(), 2U);
    };
    check(zip(model, {{"layers/functional/layers/dense", {ramp({4, 3}), ramp({3})}},
                      {"layers/functional/layers/batch_normalization", norm}}));
    // Legacy: all weights under the model's name, what is trained first; by name or by order.
    for (const bool named : {true, false}) {
        const auto at = [&](const char* name) { return named ? std::string(name) : "w"; };
        std::vector<StoredValue> stored{
            {at("d/kernel:0"), ramp({4, 3})}, {at("d/bias:0"), ramp({3})},
            {at("n/gamma:0"), norm[0]},       {at("n/beta:0"), norm[1]},
            {at("n/moving_mean:0"), norm[2]}, {at("n/moving_variance:0"), norm[3]}};
        for (std::size_t i = 0; !named && i < stored.size(); ++i) {
            stored[i].name += std::to_string(i);
        }
        writeKeras(m_folder / "n.h5", model, {{"base", stored}});
        check(loadModel(m_folder / "n.h5"));
    }
}

TEST_F(KerasFormatsTest, StepsThroughModelsInsideTimeDistributed)
{
    Json cnn = sequential({input("x", {6}), dense("d", 3), layer("ReLU", {{"name", "r"}})});
    cnn["config"]["name"] = "cnn";
    const auto file =
        zip(sequential(
                {input("in", {5, 6}), layer("TimeDistributed", {{"name", "t"}, {"layer", cnn}})}),
            {{"layers/time_distributed/layer/layers/dense", {ramp({6, 3}), ramp({3})}}});
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_TRUE(file->graph->unsupported().empty());
    EXPECT_EQ(file->graph->layer(file->graph->outputs()[0]).outputShape, (Shape{5, 3}));
    EXPECT_EQ(weight(file, "t.d", 0), ramp({6, 3}));
}

/// A node as Keras 3 writes it.
Json nodeOf(Json arguments, Json named = Json::object())
{
    return Json::array({{{"args", std::move(arguments)}, {"kwargs", std::move(named)}}});
}

Json tensorOf(const std::string& name)
{
    return {{"class_name", "__keras_tensor__"}, {"config", {{"keras_history", {name, 0, 0}}}}};
}

TEST_F(KerasFormatsTest, PassesTheMasksThatKeras3WritesOut)
{
    Json model = functional(
        {{input("x", {3}), {}},
         {layer("Embedding",
                {{"name", "e"}, {"input_dim", 5}, {"output_dim", 2}, {"mask_zero", true}}),
          {}},
         {layer("NotEqual", {{"name", "not_equal"}}), {}},
         {layer("LSTM", {{"name", "l"}, {"units", 2}}), {}}},
        {"l"});
    model["config"]["input_layers"] = Json::parse(R"([["x", 0, 0]])");
    Json& layers = model["config"]["layers"];
    layers[1]["inbound_nodes"] = nodeOf(Json::array({tensorOf("x")}));
    layers[2]["inbound_nodes"] = nodeOf(Json::array({tensorOf("x"), 0}));
    layers[3]["inbound_nodes"] =
        nodeOf(Json::array({tensorOf("e")}), {{"mask", tensorOf("not_equal")}});
    const auto file = loadModel(m_folder.write("mask.json", model.dump()));
    ASSERT_TRUE(file) << file.error().sentence();
    const graph::Graph& graph = *file->graph;
    EXPECT_TRUE(graph.unsupported().empty());
    EXPECT_EQ(graph.find("not_equal"), -1);
    EXPECT_THAT(graph.layer(graph.find("l")).inputs,
                ElementsAre(graph.find("e"), graph.find("e:mask")));
    // Without a layer that makes masks it is the user's own, and needed.
    layers[1]["config"]["mask_zero"] = false;
    const auto own = loadModel(m_folder.write("mask.json", model.dump()));
    ASSERT_TRUE(own) << own.error().sentence();
    EXPECT_EQ(own->graph->unsupported().size(), 1U);
}

TEST_F(KerasFormatsTest, TellsOperationsFromLayers)
{
    const auto with = [&](const Json& second) {
        Json model =
            functional({{input("x", {3}), {}}, {layer("Multiply", {{"name", "m"}}), {}}}, {"m"});
        model["config"]["input_layers"] = Json::parse(R"([["x", 0, 0]])");
        Json& entry = model["config"]["layers"][1];
        entry["module"] = "keras.src.ops.numpy";
        entry["inbound_nodes"] = nodeOf(Json::array({tensorOf("x"), second}));
        return loadModel(m_folder.write("op.json", model.dump()));
    };
    const auto square = with(tensorOf("x"));
    ASSERT_TRUE(square) << square.error().sentence();
    EXPECT_TRUE(square->graph->unsupported().empty());
    const auto twice = with(2.0);
    ASSERT_TRUE(twice) << twice.error().sentence();
    EXPECT_EQ(twice->graph->layer(twice->graph->unsupported().at(0)).className,
              "keras.ops.Multiply");
}

TEST_F(KerasFormatsTest, TakesTheArchitectureFromElsewhere)
{
    const std::string path = m_folder.write("x.weights.h5", weights(kTwo));
    const std::string json = m_folder.write("arch.json", two().dump());
    const auto check = [&](const Result<ModelFile>& file) {
        ASSERT_TRUE(file) << file.error().sentence();
        EXPECT_EQ(weight(file, "b", 0), ramp({3, 3}, 2));
        const auto again = loadModelFromMemory(file->architecture, file->bytes);
        ASSERT_TRUE(again) << again.error().sentence();
        EXPECT_EQ(weight(again, "b", 0), ramp({3, 3}, 2));
    };
    check(loadModel(path, {.architecture = json}));
    check(loadModel(json + "," + path));
    ASSERT_TRUE(zip(two(), {{"layers/dense", {ramp({4, 3}), ramp({3})}},
                            {"layers/dense_1", {ramp({3, 3}), ramp({3})}}}));
    check(loadModel(path, {.architecture = m_folder / "m.keras"}));
    writeKeras(m_folder / "whole.h5", two(),
               {{"a", {{"kernel:0", ramp({4, 3})}, {"bias:0", ramp({3})}}},
                {"b", {{"kernel:0", ramp({3, 3})}, {"bias:0", ramp({3})}}}});
    check(loadModel(path, {.architecture = m_folder / "whole.h5"}));
    expectRefused(loadModel(path), "architecture");
    expectRefused(loadModel(path, {.architecture = path}), "no architecture");
}

TEST_F(KerasFormatsTest, ReadsShards)
{
    const std::string list = R"({"metadata": {"total_size": 1}, "weight_map": {
        "/layers/dense/vars": "s_0.weights.h5",
        "/layers/dense_1/vars": ["s_0.weights.h5", "s_1.weights.h5"]}})";
    const std::string first = weights({kTwo[0]});
    const std::string second = weights({kTwo[1]});
    m_folder.write("s_0.weights.h5", first);
    m_folder.write("s_1.weights.h5", second);
    const std::string path = m_folder.write("s.weights.json", list);
    const std::string json = m_folder.write("arch.json", two().dump());
    const auto check = [&](const Result<ModelFile>& file) {
        ASSERT_TRUE(file) << file.error().sentence();
        EXPECT_EQ(weight(file, "b", 0), ramp({3, 3}, 2));
        const auto again = loadModelFromMemory(file->architecture, file->bytes);
        ASSERT_TRUE(again) << again.error().sentence();
        EXPECT_EQ(weight(again, "b", 0), ramp({3, 3}, 2));
    };
    check(loadModel(path, {.architecture = json}));
    const ZipEntries parts{{"metadata.json", "{}"},
                           {"config.json", two().dump()},
                           {"model.weights.json", list},
                           {"s_0.weights.h5", first}};
    ZipEntries all = parts;
    all.emplace_back("s_1.weights.h5", second);
    check(pack(all));
    expectRefused(pack(parts), "s_1.weights.h5");
    expectRefused(loadModel(path), "architecture");
    const auto outside = shardNames(R"({"weight_map": {"/vars": "../x.h5"}})", "w.json");
    ASSERT_FALSE(outside);
    EXPECT_EQ(outside.error().code, ErrorCode::CorruptFile);
}

TEST_F(KerasFormatsTest, RefusesWhatDoesNotFit)
{
    expectRefused(zip(two(), {kTwo[0]}), "layer b");
    expectRefused(zip(two(), {kTwo[0], {"layers/dense_1", {ramp({3, 3})}}}), "layer b");
    expectRefused(zip(two(), {kTwo[0], {"layers/dense_1", {ramp({5, 3}), ramp({3})}}}), "layer b");
    Json quantized = two();
    quantized["config"]["layers"][2]["config"]["dtype"] = {{"class_name", "QuantizedDTypePolicy"},
                                                           {"config", {{"mode", "int8"}}}};
    const auto file = zip(quantized, kTwo);
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_THAT(file->graph->unsupported(), ElementsAre(2));
}

TEST_F(KerasFormatsTest, BoundsModelsThatCallEachOther)
{
    // Every model calls the one inside twice: 2^24 layers from a few lines.
    Json model = sequential({input("x", {2}), dense("d", 2)});
    for (int depth = 0; depth < 24; ++depth) {
        Json outer = functional({{input("x", {2}), {}}}, {"m"});
        model["name"] = "m";
        model["config"]["name"] = "m";
        model["inbound_nodes"] = Json::parse(R"([[["x", 0, 0, {}]], [["m", 1, 0, {}]]])");
        outer["config"]["layers"].push_back(model);
        outer["config"]["output_layers"] = Json::parse(R"([["m", 2, 0]])");
        model = outer;
    }
    expectRefused(loadModel(m_folder.write("deep.json", model.dump())), "more than");
}

// ------------------------------------------------------------------------------- npz and pickles

std::string pickledText(const std::string& text)
{
    return std::string("\x8c") + static_cast<char>(text.size()) + text;
}

/// As numpy pickles an array of float32.
std::string pickledArray(const Tensor& tensor)
{
    std::string sizes = "(";
    for (const Index size : tensor.shape().sizes()) {
        sizes += std::string("K") + static_cast<char>(size);
    }
    const std::string bytes(reinterpret_cast<const char*>(tensor.data()),
                            static_cast<std::size_t>(tensor.size()) * sizeof(float));
    return "cnumpy.core.multiarray\n_reconstruct\n)R(K\x01" + sizes + "tcnumpy\ndtype\n(" +
           pickledText("f4") + "tR(K\x03" + pickledText("<") + "tb\x89" + "C" +
           static_cast<char>(bytes.size()) + bytes + "tb";
}

std::string npyOf(const std::string& pickle)
{
    const std::string header = "{'descr': '|O', 'fortran_order': False, 'shape': (), }\n";
    return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) +
           std::string(1, '\0') + header + pickle;
}

TEST_F(KerasFormatsTest, ReadsWeightsFromNpz)
{
    const auto model = [&](const std::string& pickle) {
        const std::string npz = *writeZip({{"layers/dense.npy", npyOf(pickle)}}, "w.npz");
        return pack({{"metadata.json", "{}"},
                     {"config.json", sequential({input("in", {2}), dense("a", 3)}).dump()},
                     {"model.weights.npz", npz}});
    };
    const std::string weights = "\x80\x04}(" + pickledText("0") + pickledArray(ramp({2, 3})) +
                                pickledText("1") + pickledArray(ramp({3}, 2)) + "u.";
    const auto file = model(weights);
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(weight(file, "a", 0), ramp({2, 3}));
    EXPECT_EQ(weight(file, "a", 1), ramp({3}, 2));
    expectRefused(model("\x80\x04"
                        "cos\nsystem\n" +
                        pickledText("true") + "\x85R."),
                  "no dictionary");
    expectRefused(
        model("\x80\x04}(" + pickledText("0") + "cos\nsystem\n" + pickledText("true") + "\x85Ru."),
        "something else");
    for (std::size_t size = 0; size < weights.size(); size += 7) {
        EXPECT_FALSE(model(weights.substr(0, size))) << size;
    }
}

TEST(Pickle, TakesDataOnlyAndInBounds)
{
    EXPECT_TRUE(readPickle("\x80\x04K\x05.", "p"));
    for (const std::string& bad : {std::string("."), std::string("R."), std::string("(t"),
                                   std::string("h\x07."), std::string("]r"),
                                   std::string("]q\x01h\x01"
                                               "a."), // a list in itself
                                   std::string("Q."), std::string("\x80\x04}(K\x01u.")}) {
        EXPECT_FALSE(readPickle(bad, "p")) << bad;
    }
    std::string deep = "K\x01";
    for (int i = 0; i < 1000000; ++i) {
        deep += '\x85';
    }
    EXPECT_FALSE(readPickle(deep + ".", "p"));
}

// --------------------------------------------------------------------------------- SavedModel

std::string field(int number, const std::string& bytes)
{
    std::string size;
    for (std::size_t left = bytes.size();; left >>= 7U) {
        size += static_cast<char>((left & 127U) | (left > 127 ? 128U : 0U));
        if (left <= 127) {
            break;
        }
    }
    return static_cast<char>(number * 8 + 2) + size + bytes;
}

TEST_F(KerasFormatsTest, ReadsTheConfigurationOfASavedModel)
{
    Json model = two(); // with a shape as TensorFlow writes it
    Json& shape = model["config"]["layers"][0]["config"]["batch_input_shape"];
    shape = {{"class_name", "__tuple__"}, {"items", shape}};
    const std::string metadata = model.dump();
    const std::string file = field(1, field(3, "root.layer-0") + field(5, "{}")) +
                             field(1, "\x10\x01" + field(3, "root") + field(5, metadata));
    m_folder.write("keras_metadata.pb", file);
    const auto read = loadModel(m_folder / "");
    ASSERT_TRUE(read) << read.error().sentence();
    EXPECT_EQ(read->format, "keras-saved-model");
    EXPECT_EQ(read->graph->layers().size(), 3U);
    EXPECT_EQ(read->warnings.back().code, "no_weights");
    for (const std::string& bad : {std::string(), std::string("\xff\xff\xff"), file.substr(0, 40),
                                   field(1, field(3, "root") + "\x2a\x7f")}) {
        EXPECT_FALSE(readKerasMetadata(bad, "k.pb"));
    }
}

} // namespace
} // namespace bitscape::io
