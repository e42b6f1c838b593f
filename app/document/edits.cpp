// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/edits.h"

#include "core/quant/short_forms.h"

#include <QCoreApplication>

#include <algorithm>

namespace bitscape::app {

namespace {

constexpr int kFloatBits = 32;

QString words(const char* source)
{
    return QCoreApplication::translate("edits", source);
}

std::string freeName(const project::Project& project, const std::string& wanted)
{
    std::string name = wanted;
    for (int i = 2; project.findConfiguration(name) != nullptr; ++i) {
        name = wanted + " " + std::to_string(i);
    }
    return name;
}

} // namespace

Result<quant::QuantizerPtr> readQuantizer(const project::Project& project, const Place& place,
                                          const QString& text)
{
    quant::QuantizerPtr current =
        project.currentConfiguration().configuration.find(place.layer, place.slot);
    if (!current) {
        const graph::Graph& graph = project.graph();
        const int layer = graph.find(place.layer);
        ensure(layer >= 0, "the edited layer is in the network");
        current =
            proposedQuantizer(graph, graph.layer(layer), place.slot, 8, project.calibration.get());
    }
    return quant::parseEdit(text.trimmed().toStdString(), current);
}

Result<void> editQuantizer(Document& document, const Place& place, const QString& text)
{
    auto quantizer = readQuantizer(document.project(), place, text);
    if (!quantizer) {
        return fail(std::move(quantizer).error());
    }
    const QString layer = QString::fromStdString(place.layer);
    const QString step = place.slot == graph::Slot::Activation
                             ? words(QT_TRANSLATE_NOOP("edits", "Set output quantizer of %1"))
                             : words(QT_TRANSLATE_NOOP("edits", "Set weight quantizer of %1"));
    document.apply(step.arg(layer), [&](project::Project& p) {
        p.editCurrent([&](graph::Configuration& c) { c.set(place.layer, place.slot, *quantizer); });
    });
    return {};
}

int setBits(Document& document, const std::vector<Place>& places, int bits)
{
    const project::Project& project = document.project();
    const graph::Configuration& before = project.currentConfiguration().configuration;
    std::vector<std::pair<Place, quant::QuantizerPtr>> changes;
    for (const Place& place : places) {
        const quant::QuantizerPtr current = before.find(place.layer, place.slot);
        quant::QuantizerPtr next;
        if (bits < kFloatBits) {
            const graph::Layer& layer = project.graph().layer(project.graph().find(place.layer));
            next = proposedQuantizer(project.graph(), layer, place.slot, bits,
                                     project.calibration.get());
            if (current) {
                auto resized = current->withBits(bits);
                next = resized ? *resized : next;
            }
            if (!next) {
                continue;
            }
        }
        const bool isSame = current && next ? *current == *next : !current && !next;
        if (!isSame) {
            changes.emplace_back(place, next);
        }
    }
    if (changes.empty()) {
        return 0;
    }
    const bool isOutput = changes.front().first.slot == graph::Slot::Activation;
    const int count = static_cast<int>(changes.size());
    const QString text =
        isOutput
            ? QCoreApplication::translate("edits", "Set output bits of %n layer(s)", "", count)
            : QCoreApplication::translate("edits", "Set weight bits of %n layer(s)", "", count);
    document.apply(text, [&](project::Project& p) {
        p.editCurrent([&](graph::Configuration& c) {
            for (const auto& [place, quantizer] : changes) {
                c.set(place.layer, place.slot, quantizer);
            }
        });
    });
    return count;
}

void applyPreset(Document& document, const Preset& preset, const std::vector<std::string>& layers)
{
    const QString title = QCoreApplication::translate("presets", preset.title);
    document.apply(words(QT_TRANSLATE_NOOP("edits", "Preset %1")).arg(title),
                   [&](project::Project& p) {
                       p.editCurrent([&](graph::Configuration& c) {
                           c = withPreset(p.graph(), c, preset, p.calibration.get(), layers);
                       });
                   });
}

void applyTrial(Document& document, const search::Study& study, const search::Trial& trial)
{
    const QString text = words(QT_TRANSLATE_NOOP("edits", "Apply trial %1")).arg(trial.number);
    document.apply(text, [&](project::Project& p) {
        project::NamedConfiguration applied = p.currentConfiguration();
        applied.configuration = trial.configuration;
        applied.configuration.name =
            study.description.name + " trial " + std::to_string(trial.number);
        applied.measured.reset();
        p.putConfiguration(std::move(applied));
    });
}

void branch(Document& document, const QString& name)
{
    document.apply(words(QT_TRANSLATE_NOOP("edits", "Branch configuration")),
                   [&](project::Project& p) {
                       project::NamedConfiguration copy = p.currentConfiguration();
                       copy.configuration.name = freeName(p, name.toStdString());
                       p.putConfiguration(std::move(copy));
                   });
}

void selectConfiguration(Document& document, int index)
{
    const auto& all = document.project().configurations;
    if (index < 0 || index >= static_cast<int>(all.size())) {
        return;
    }
    const QString name =
        QString::fromStdString(all[static_cast<std::size_t>(index)]->configuration.name);
    document.apply(words(QT_TRANSLATE_NOOP("edits", "Choose configuration %1")).arg(name),
                   [index](project::Project& p) { p.current = index; });
}

void setAccelerator(Document& document, const hw::Accelerator& accelerator,
                    const QByteArray& mergeKey)
{
    document.apply(
        words(QT_TRANSLATE_NOOP("edits", "Change accelerator")),
        [&](project::Project& p) { p.accelerator = accelerator; }, mergeKey);
}

} // namespace bitscape::app
