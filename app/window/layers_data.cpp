// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/layers_data.h"

#include "app/document/edits.h"
#include "core/quant/completion.h"
#include "widgets/style/format.h"

#include <QCoreApplication>

#include <algorithm>

namespace bitscape::app {

widgets::LayersData layersData(const project::Project& project, const Derived& derived)
{
    if (project.isEmpty()) {
        return {};
    }
    widgets::LayersData data =
        layersData(project, project.currentConfiguration().configuration, derived.figures());
    data.sqnrDb = derived.quality().sqnrDb;
    data.isSqnrStale = !derived.isQualityCurrent();
    return data;
}

widgets::LayersData layersData(const project::Project& project,
                               const graph::Configuration& configuration, const Figures& figures)
{
    widgets::LayersData data;
    data.graph = project.model->graph;
    data.configuration = configuration;
    data.bits = figures.bits;
    data.cost = figures.hardware;
    return data;
}

namespace {

constexpr std::size_t kMostCandidates = 40;

/// Completions count bytes, the editor counts UTF-16; quantizer strings are ASCII, so both agree
/// unless something else is typed, and then there is nothing to complete.
bool isAscii(const QString& text)
{
    return std::all_of(text.begin(), text.end(), [](QChar c) { return c.unicode() < 128; });
}

std::vector<widgets::QuantizerHelp::Candidate> candidatesFor(const std::string& text, int cursor)
{
    std::vector<widgets::QuantizerHelp::Candidate> candidates;
    for (const quant::Completion& completion : quant::complete(text, cursor)) {
        const auto from = static_cast<std::size_t>(completion.replaceFrom);
        const std::string whole = text.substr(0, from) + completion.insert +
                                  text.substr(static_cast<std::size_t>(cursor));
        candidates.push_back({QString::fromStdString(completion.label),
                              QString::fromStdString(whole),
                              static_cast<int>(from + completion.insert.size())});
        if (candidates.size() == kMostCandidates) {
            break;
        }
    }
    return candidates;
}

/// The signature with the active parameter bold.
QString signatureHtml(const quant::SignatureHelp& help)
{
    QString html = QString::fromStdString(help.signature).toHtmlEscaped();
    const qsizetype open = html.indexOf(QLatin1Char('('));
    if (help.activeParameter >= 0 && open >= 0 && html.endsWith(QLatin1Char(')'))) {
        QStringList parts = html.mid(open + 1, html.size() - open - 2).split(QStringLiteral(", "));
        if (help.activeParameter < parts.size()) {
            QString& active = parts[help.activeParameter];
            active = QStringLiteral("<b>%1</b>").arg(active);
        }
        html = html.left(open + 1) + parts.join(QStringLiteral(", ")) + QLatin1Char(')');
    }
    return QStringLiteral("<code>%1</code>").arg(html);
}

} // namespace

QString gridText(const quant::Quantizer& quantizer)
{
    const quant::GridFacts facts = quant::gridFacts(quantizer);
    const auto words = [](const char* source, int count = -1) {
        return QCoreApplication::translate("quantizers", source, "", count);
    };
    QStringList parts{words(QT_TRANSLATE_N_NOOP("quantizers", "%n bit(s)"), quantizer.bits())};
    if (facts.levels > 0) {
        parts << words(QT_TRANSLATE_N_NOOP("quantizers", "%n level(s), %1 … %2"),
                       static_cast<int>(facts.levels))
                     .arg(widgets::compact(facts.low), widgets::compact(facts.high));
    }
    if (facts.step > 0.0) {
        parts
            << words(QT_TRANSLATE_NOOP("quantizers", "step %1")).arg(widgets::compact(facts.step));
    }
    if (facts.dependsOnData) {
        parts << words(QT_TRANSLATE_NOOP("quantizers", "times a scale fitted to the data"));
    }
    QString text = parts.join(QStringLiteral(", "));
    for (const std::string& same : {facts.apFixed, facts.qNotation}) {
        if (!same.empty()) {
            text += QStringLiteral(" = ") + QString::fromStdString(same);
        }
    }
    return text;
}

widgets::QuantizerHelper quantizerHelper(const Document& document)
{
    return [&document](const widgets::QuantizerPlace& place, const QString& text, int cursor) {
        widgets::QuantizerHelp help;
        if (isAscii(text)) {
            const std::string typed = text.toStdString();
            help.candidates = candidatesFor(typed, cursor);
            const quant::SignatureHelp signature = quant::signatureHelp(typed, cursor);
            if (!signature.signature.empty()) {
                help.signature = signatureHtml(signature);
                help.explanation = QString::fromStdString(signature.doc).toHtmlEscaped();
            }
        }
        auto quantizer = readQuantizer(document.project(), {place.layer, place.slot}, text);
        if (!quantizer) {
            help.problem = QString::fromStdString(quantizer.error().sentence());
            return help;
        }
        if (*quantizer) {
            help.explanation += (help.explanation.isEmpty() ? QString() : QStringLiteral("<br>")) +
                                gridText(**quantizer).toHtmlEscaped();
            const bool isKernel = graph::isPromotedSlot(place.slot);
            if (auto promoted = (*quantizer)->promotedForKernel(); promoted && isKernel) {
                help.remark =
                    QCoreApplication::translate("quantizers", "Becomes %1 inside a layer.")
                        .arg(QString::fromStdString(promoted->toString()));
            }
        }
        return help;
    };
}

} // namespace bitscape::app
