// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/main_window.h"
#include "core/project/project.h"
#include "tests/support/networks.h"
#include "widgets/dialogs/dialogs.h"

#include <QQueue>

#include <memory>

// A small project and answers to questions, for the tests of the program.
namespace bitscape::testing {

/// conv 3×3×4 (ReLU) → conv 3×3×8 (ReLU) → flatten → dense 3, on 8×8×1.
inline std::shared_ptr<const io::ModelFile> smallModel()
{
    using namespace networks;
    const graph::Function relu{graph::FunctionKind::Relu};
    auto model = std::make_shared<io::ModelFile>();
    model->graph = Builder(Shape{8, 8, 1})
                       .add("conv_a", "Conv2D", conv(4, 3, graph::Padding::Same, 1, relu))
                       .add("conv_b", "Conv2D", conv(8, 3, graph::Padding::Same, 2, relu))
                       .add("flatten", "Flatten", graph::FlattenOp{})
                       .add("head", "Dense", graph::DenseOp{3})
                       .make();
    model->path = "small.h5";
    model->sha256 = "0";
    model->architecture = R"({"class_name": "Sequential"})";
    return model;
}

/// Images whose class is the third that is bright.
inline std::shared_ptr<const io::DataSet> smallData(Index count)
{
    auto samples = std::make_shared<train::Samples>();
    Rng rng(3);
    Tensor images(Shape{count, 8, 8, 1});
    for (Index i = 0; i < count; ++i) {
        const Index label = i % 3;
        samples->labels.push_back(label);
        for (Index k = 0; k < 64; ++k) {
            const bool isBright = k % 8 / 3 == label;
            images.values()[static_cast<std::size_t>(i * 64 + k)] =
                static_cast<float>(rng.uniform() * 0.4 + (isBright ? 0.6 : 0.0));
        }
    }
    samples->inputs.push_back(std::move(images));
    auto data = std::make_shared<io::DataSet>();
    data->samples = samples;
    data->recipe.source = "small";
    return data;
}

inline project::Project smallProject(Index samples = 300)
{
    project::Project project = project::makeProject(smallModel());
    project.putData(*smallData(samples));
    return project;
}

/// A finished study with three trials: 8, 4 and 2 bits.
inline std::shared_ptr<const search::Study> smallStudy(const graph::Graph& graph)
{
    auto study = std::make_shared<search::Study>();
    study->description.name = "Study 1";
    study->description.trials = 3;
    study->referenceSize = 1e5;
    int number = 0;
    for (const int bits : {8, 4, 2}) {
        search::Trial trial;
        trial.number = number;
        trial.state = search::TrialState::Complete;
        trial.metric = 0.95 - 0.1 * number;
        trial.score = trial.metric;
        for (const graph::Layer& layer : graph.layers()) {
            if (!layer.weights.empty()) {
                trial.configuration.set(layer.name, graph::Slot::Kernel,
                                        *quant::parseQuantizer("quantized_bits(" +
                                                               std::to_string(bits) +
                                                               ",0,1,alpha=1.0)"));
            }
        }
        trial.cost.bits = 1000.0 * bits;
        study->trials.push_back(trial);
        ++number;
    }
    return study;
}

/// Gives prepared answers; a question without one gives up.
class AnsweringDialogs final : public widgets::Dialogs {
public:
    QQueue<QString> paths;
    QQueue<SaveAnswer> saves;
    QQueue<bool> confirmations;
    QQueue<QString> texts;
    int asked = 0;

    QString openFile(QWidget*, const QString&, const QString&, const QString&,
                     const widgets::Previewer&) override
    {
        return next(paths, QString());
    }
    QString openFolder(QWidget*, const QString&, const QString&) override
    {
        return next(paths, QString());
    }
    QString saveFile(QWidget*, const QString&, const QString&, const QString&) override
    {
        return next(paths, QString());
    }
    SaveAnswer askSave(QWidget*, const QString&) override
    {
        return next(saves, SaveAnswer::Cancel);
    }
    bool confirm(QWidget*, const QString&, const QString&, const QString&) override
    {
        return next(confirmations, false);
    }
    QString askText(QWidget*, const QString&, const QString&, const QString&) override
    {
        return next(texts, QString());
    }

private:
    template <class T>
    T next(QQueue<T>& answers, T otherwise)
    {
        ++asked;
        return answers.isEmpty() ? otherwise : answers.dequeue();
    }
};

} // namespace bitscape::testing
