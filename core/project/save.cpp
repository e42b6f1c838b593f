// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/version.h"
#include "core/io/array_file.h"
#include "core/io/hdf5.h"
#include "core/project/codec.h"
#include "core/project/layout.h"
#include "core/project/project.h"
#include "core/project/seal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>

namespace bitscape::project {

namespace {

using io::hdf5::File;
using io::hdf5::Group;
using io::hdf5::Storage;

/// Runs steps until one fails.
template <class... Step>
Result<void> inOrder(const Step&... steps)
{
    Result<void> state;
    static_cast<void>(((state = steps(), state.has_value()) && ...));
    return state;
}

/// Makes a group and fills it.
template <class Fill>
Result<void> inGroup(Group& parent, const std::string& path, const Fill& fill)
{
    auto group = parent.makeGroup(path);
    if (!group) {
        return fail(std::move(group).error());
    }
    return fill(*group);
}

/// Weights as Keras' legacy layout keeps them: a group per layer, weight_names in order.
Result<void> writeWeights(Group& group, const graph::Graph& graph, const graph::WeightSet& weights)
{
    std::vector<std::string> layerNames;
    std::size_t next = 0;
    for (const graph::Layer& layer : graph.layers()) {
        layerNames.push_back(layer.name);
        auto written = inGroup(group, layout::pathOf(layer.name), [&](Group& own) {
            std::vector<std::string> names;
            for (const graph::Weight& weight : layer.weights) {
                names.push_back(layout::weightPath(layer, weight));
                auto one = own.write(names.back(), weights[next++]->view(), Storage::Checked);
                if (!one) {
                    return one;
                }
            }
            return own.setTexts("weight_names", names);
        });
        if (!written) {
            return written;
        }
    }
    return group.setTexts("layer_names", layerNames);
}

Result<void> writeModel(Group& group, const io::ModelFile& model)
{
    return inOrder(
        [&] { return group.setText("name", model.graph->name()); },
        [&] { return group.setText("path", model.path); },
        [&] { return group.setText("format", model.format); },
        [&] { return group.setText("producer", model.producer); },
        [&] { return group.setText("keras_version", model.kerasVersion); },
        [&] { return group.setText("sha256", model.sha256); },
        [&] { return group.writeText("architecture", model.architecture); },
        [&] {
            return model.bytes ? group.writeBytes("original", *model.bytes, Storage::Checked)
                               : Result<void>();
        },
        [&] {
            return inGroup(group, "model_weights", [&](Group& weights) {
                return inOrder(
                    [&] { return weights.setText("backend", "tensorflow"); },
                    [&] { return weights.setText("keras_version", model.kerasVersion); },
                    [&] { return writeWeights(weights, *model.graph, model.graph->weights()); });
            });
        });
}

/// Indices of the samples that a file keeps: all, or evenly spaced ones within the bounds.
std::vector<Index> storedIndices(const io::DataSet& data)
{
    std::int64_t bytesEach = 1;
    for (const Tensor& input : data.samples->inputs) {
        bytesEach += input.shape().sample().elementCount() * 4;
    }
    const Index most = layout::isBuiltIn(data.recipe)
                           ? layout::kStoredBuiltInSamples
                           : std::clamp<Index>(kStoredSampleBytes / bytesEach, 1, kStoredSamples);
    const Index count = data.samples->count();
    const Index kept = std::min(count, most);
    std::vector<Index> indices(static_cast<std::size_t>(kept));
    for (Index i = 0; i < kept; ++i) {
        indices[static_cast<std::size_t>(i)] = i * count / kept;
    }
    return indices;
}

/// The codes of values k/divisor with k = 0 … 255; none if a value is another.
std::optional<std::string> asCodes(const Tensor& tensor, float divisor)
{
    std::string codes;
    codes.reserve(static_cast<std::size_t>(tensor.size()));
    for (const float value : tensor.values()) {
        const float code = std::nearbyint(value * divisor);
        if (!(code >= 0 && code <= 255) || code / divisor != value) {
            return std::nullopt;
        }
        codes.push_back(static_cast<char>(static_cast<unsigned char>(code)));
    }
    return codes;
}

/// Images whose values are k/255 or k take a quarter of the bytes that way.
Result<void> writeInput(Group& group, std::size_t number, const Tensor& input)
{
    const std::string name = fmt::format("input_{}", number);
    for (const float divisor : {255.0F, 1.0F}) {
        if (const auto codes = asCodes(input, divisor)) {
            return inOrder(
                [&] { return group.setReal(name + "_divisor", static_cast<double>(divisor)); },
                [&] {
                    return group.writeBytes(name, *codes, input.shape().sizes(), Storage::Checked);
                });
        }
    }
    return inOrder([&] { return group.setReal(name + "_divisor", 1.0); },
                   [&] { return group.write(name, input.view(), Storage::Checked); });
}

Result<void> writeData(Group& group, const Project& project)
{
    const io::DataSet& data = *project.data;
    const std::vector<Index> indices = storedIndices(data);
    const train::Samples kept = data.samples->pick(indices);
    const auto count = static_cast<Index>(kept.labels.size());
    const std::vector<std::int64_t> numbers(indices.begin(), indices.end());
    const auto stored = static_cast<Index>(numbers.size());
    return inOrder(
        [&] { return group.setText("description", data.recipe.describe()); },
        [&] { return group.setText("sha256", data.sha256); },
        [&] { return group.setText("dtype", data.dtype); },
        [&] { return group.setReal("minimum", data.minimum); },
        [&] { return group.setReal("maximum", data.maximum); },
        [&] {
            return group.setInteger("count", std::max(project.dataCount, data.samples->count()));
        },
        [&] { return group.setReal("validation_share", project.validationShare); },
        [&] { return group.setTexts("input_names", kept.inputNames); },
        [&] { return group.setTexts("class_names", kept.classNames); },
        [&] { return group.writeText("recipe", dumped(toJson(data.recipe))); },
        [&] {
            return group.writeIntegers("sample_numbers", numbers, std::span(&stored, 1),
                                       Storage::Checked);
        },
        [&] {
            Result<void> state =
                group.setInteger("inputs", static_cast<std::int64_t>(kept.inputs.size()));
            for (std::size_t i = 0; state && i < kept.inputs.size(); ++i) {
                state = writeInput(group, i, kept.inputs[i]);
            }
            return state;
        },
        [&] {
            return kept.hasLabels() ? group.writeIntegers("labels", kept.labels,
                                                          std::span(&count, 1), Storage::Checked)
                                    : Result<void>();
        },
        [&] {
            return kept.hasTargets() ? group.write("targets", kept.targets.view(), Storage::Checked)
                                     : Result<void>();
        });
}

Result<void> writeCalibration(Group& group, const search::Calibration& calibration)
{
    using search::TensorStatistics;
    const auto count = static_cast<Index>(calibration.tensors.size());
    const std::span<const Index> shape(&count, 1);
    std::vector<std::string> layers;
    std::vector<std::int64_t> samples;
    std::vector<std::int64_t> counts;
    std::vector<std::int64_t> zeros;
    std::vector<std::int64_t> histogram;
    for (const TensorStatistics& tensor : calibration.tensors) {
        layers.push_back(tensor.layer);
        samples.push_back(tensor.samples);
        counts.push_back(tensor.count);
        zeros.push_back(tensor.zeros);
        histogram.insert(histogram.end(), tensor.histogram.begin(), tensor.histogram.end());
    }
    return inOrder(
        [&] { return group.setInteger("samples", calibration.samples); },
        [&] { return group.setText("data", calibration.dataDescription); },
        [&] { return group.setTexts("layers", layers); },
        [&] { return group.writeIntegers("samples_seen", samples, shape, Storage::Checked); },
        [&] { return group.writeIntegers("count", counts, shape, Storage::Checked); },
        [&] { return group.writeIntegers("zeros", zeros, shape, Storage::Checked); },
        [&] {
            const std::array<Index, 2> table{count, TensorStatistics::kBins};
            return group.writeIntegers("histogram", histogram, table, Storage::Compressed);
        },
        [&] {
            Result<void> state;
            for (const layout::StatisticColumn& column : layout::kStatisticColumns) {
                std::vector<double> values;
                for (const TensorStatistics& tensor : calibration.tensors) {
                    values.push_back(tensor.*column.value);
                }
                if (state) {
                    state = group.writeDoubles(column.name, values, shape, Storage::Checked);
                }
            }
            return state;
        });
}

Result<void> writeMeasured(Group& group, const NamedConfiguration::Measured& measured)
{
    return inOrder([&] { return group.setReal("accuracy", measured.accuracy); },
                   [&] { return group.setReal("standard_error", measured.standardError); },
                   [&] { return group.setInteger("count", measured.count); },
                   [&] { return group.setText("data", measured.dataDescription); },
                   [&] { return group.setText("for_hash", measured.forHash); });
}

Result<void> writeConfiguration(Group& group, const graph::Graph& graph,
                                const NamedConfiguration& configuration)
{
    return inOrder(
        [&] { return group.setText("name", configuration.configuration.name); },
        [&] { return group.writeText("quantizers", dumped(toJson(configuration.configuration))); },
        [&] {
            return configuration.measured
                       ? inGroup(group, "measured",
                                 [&](Group& measured) {
                                     return writeMeasured(measured, *configuration.measured);
                                 })
                       : Result<void>();
        },
        [&] {
            return configuration.weights
                       ? inGroup(group, "weights",
                                 [&](Group& weights) {
                                     return writeWeights(weights, graph, *configuration.weights);
                                 })
                       : Result<void>();
        });
}

Result<void> writeStudy(Group& group, const search::Study& study)
{
    const auto count = static_cast<Index>(study.trials.size());
    const std::span<const Index> shape(&count, 1);
    std::vector<std::int64_t> numbers;
    std::string texts;
    for (const search::Trial& trial : study.trials) {
        numbers.push_back(trial.number);
        texts += dumped(trialTexts(trial)) + "\n";
    }
    return inOrder(
        [&] { return group.setText("name", study.description.name); },
        [&] { return group.setReal("reference_size", study.referenceSize); },
        [&] { return group.writeText("description", dumped(toJson(study.description))); },
        [&] { return group.writeIntegers("trials/number", numbers, shape, Storage::Checked); },
        [&] { return group.writeText("trials/texts", texts); },
        [&] {
            Result<void> state;
            for (const layout::TrialColumn& column : layout::kTrialColumns) {
                std::vector<double> values;
                for (const search::Trial& trial : study.trials) {
                    values.push_back(column.get(trial));
                }
                if (state) {
                    state = group.writeDoubles(std::string("trials/") + column.name, values, shape,
                                               Storage::Checked);
                }
            }
            return state;
        });
}

/// A list as groups "0", "1", … with their number in the attribute "count".
template <class List, class WriteOne>
Result<void> writeList(Group& root, const std::string& name, const List& list,
                       const WriteOne& writeOne)
{
    return inGroup(root, name, [&](Group& group) {
        Result<void> state = group.setInteger("count", static_cast<std::int64_t>(list.size()));
        for (std::size_t i = 0; state && i < list.size(); ++i) {
            state = inGroup(group, fmt::format("{}", i),
                            [&](Group& one) { return writeOne(one, list[i]); });
        }
        return state;
    });
}

Result<void> writeRoot(Group& root, const Project& project)
{
    return inOrder(
        [&] { return root.setText("format", layout::kFormatName); },
        [&] { return root.setInteger(kVersionAttribute, kFormatVersion); },
        [&] { return root.setText("creator", fmt::format("bitscape {}", version())); },
        [&] {
            return root.setText("created", project.created.empty() ? nowUtc() : project.created);
        },
        [&] { return root.setText("modified", nowUtc()); },
        [&] { return root.setText("uuid", project.uuid.empty() ? makeUuid() : project.uuid); },
        [&] { return root.setText("name", project.name); },
        [&] { return root.writeText("commands", dumped(Json(project.commands))); },
        [&] { return root.writeText("view_state", dumped(Json(project.viewState))); });
}

Result<void> writeProject(Group& root, const Project& project)
{
    return inOrder(
        [&] { return writeRoot(root, project); },
        [&] {
            return project.model
                       ? inGroup(root, "model",
                                 [&](Group& group) { return writeModel(group, *project.model); })
                       : Result<void>();
        },
        [&] {
            return project.data ? inGroup(root, "data",
                                          [&](Group& group) { return writeData(group, project); })
                                : Result<void>();
        },
        [&] {
            return project.calibration
                       ? inGroup(root, "calibration",
                                 [&](Group& group) {
                                     return writeCalibration(group, *project.calibration);
                                 })
                       : Result<void>();
        },
        [&] {
            return inGroup(root, "training", [&](Group& group) {
                return group.writeText("history", dumped(toJson(project.trainingHistory)));
            });
        },
        [&] {
            return writeList(root, "configurations", project.configurations,
                             [&](Group& group, const auto& configuration) {
                                 return writeConfiguration(group, project.graph(), *configuration);
                             });
        },
        [&] {
            return inGroup(root, "configurations", [&](Group& group) {
                return group.setInteger("current", project.current);
            });
        },
        [&] {
            return writeList(root, "studies", project.studies, [](Group& group, const auto& study) {
                return writeStudy(group, *study);
            });
        },
        [&] {
            return writeList(root, "accelerators", project.accelerators,
                             [](Group& group, const hw::Accelerator& accelerator) {
                                 return group.writeText("description", hw::toJson(accelerator));
                             });
        },
        [&] {
            return inGroup(root, "accelerators", [&](Group& group) {
                return group.writeText("current", hw::toJson(project.accelerator));
            });
        });
}

/// Fills the bytes that HDF5 left free at the start of the file.
Result<void> sealFile(const std::string& path)
{
    auto bytes = io::readFile(path);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    const auto start = static_cast<std::size_t>(kSealBytes);
    const std::string seal =
        makeSeal(std::string_view(*bytes).substr(std::min(start, bytes->size())), kFormatVersion);
    std::FILE* file = std::fopen(path.c_str(), "r+b");
    const bool written =
        file != nullptr && std::fwrite(seal.data(), 1, seal.size(), file) == seal.size();
    const bool closed = file != nullptr && std::fclose(file) == 0;
    if (!written || !closed) {
        return fail(errno == ENOSPC ? ErrorCode::OutOfResources : ErrorCode::Io,
                    "The project could not be written.", path);
    }
    return {};
}

Result<void> writePart(const Project& project, const std::string& part)
{
    auto file = File::create(part, io::hdf5::Format::V110, kSealBytes);
    if (!file) {
        return fail(std::move(file).error());
    }
    return inOrder([&] { return writeProject(*file, project); }, [&] { return file->close(); },
                   [&] { return sealFile(part); });
}

} // namespace

Result<void> save(const Project& project, const std::string& path)
{
    const std::string part = io::partPath(path);
    if (auto written = writePart(project, part); !written) {
        std::error_code ignored;
        std::filesystem::remove(part, ignored);
        Error error = std::move(written).error();
        error.hint = "The file of before is unchanged. Free space or save elsewhere.";
        return fail(std::move(error).in(path));
    }
    return io::publish(path);
}

} // namespace bitscape::project
