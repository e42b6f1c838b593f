// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/pages/page_parts.h"
#include "app/window/pages/pages.h"
#include "app/window/strip.h"
#include "widgets/panels/data_table.h"
#include "widgets/panels/empty_state.h"
#include "widgets/style/format.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFrame>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QSignalBlocker>
#include <QSplitter>
#include <QStackedLayout>

#include <algorithm>
#include <limits>

namespace bitscape::app {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A configuration with its costs.
struct Side {
    std::shared_ptr<const project::NamedConfiguration> named;
    Figures figures;
};

struct SummaryLine {
    QString metric, baseline, other;
    Delta delta;
};

struct LayerLine {
    std::string layer;
    std::array<hw::LayerBits, 2> bits;
    std::array<double, 2> kilocycles{kNaN, kNaN};
    std::array<double, 2> microjoule{kNaN, kNaN};

    [[nodiscard]] bool differs() const
    {
        return bits[0].weights != bits[1].weights || bits[0].output != bits[1].output;
    }
};

class ComparePage final : public Page {
    Q_OBJECT
public:
    ComparePage(Context& context, QWidget* parent);
    [[nodiscard]] QStringList status() const override;

private:
    [[nodiscard]] QWidget* makeBar();
    void showNames();
    void compare();
    void showSummary(const Side& a, const Side& b);
    void showLayers(const Side& a, const Side& b);

    QComboBox* m_baseline;
    QComboBox* m_other;
    QCheckBox* m_onlyDifferent;
    QLabel* m_changes;
    widgets::DataTable* m_summary;
    widgets::DataTable* m_layers;
    widgets::EmptyState* m_empty;
    QStackedLayout* m_stack;
    int m_differing = 0;
};

ComparePage::ComparePage(Context& context, QWidget* parent)
    : Page(context, "compare", parent), m_baseline(new QComboBox(this)),
      m_other(new QComboBox(this)),
      m_onlyDifferent(new QCheckBox(tr("Only layers that differ"), this)),
      m_changes(new QLabel(this)),
      m_summary(new widgets::DataTable({{tr("Metric"), 190, false},
                                        {tr("Baseline"), 130},
                                        {tr("Compared"), 130},
                                        {tr("Change"), 110}},
                                       QStringLiteral("summaryTable"), tr("Summary"), this)),
      m_layers(new widgets::DataTable({{tr("Layer"), 160, false},
                                       {tr("w, baseline"), 84, false},
                                       {tr("a, baseline"), 84, false},
                                       {tr("w, compared"), 90, false},
                                       {tr("a, compared"), 90, false},
                                       {tr("kcycles, baseline"), 120},
                                       {tr("kcycles, compared"), 120},
                                       {tr("µJ, baseline"), 100},
                                       {tr("µJ, compared"), 100}},
                                      QStringLiteral("layerComparison"), tr("Layers compared"),
                                      this)),
      m_empty(new widgets::EmptyState(this)), m_stack(new QStackedLayout)
{
    auto* full = new QWidget(this);
    auto* layout = new QVBoxLayout(full);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(makeBar());
    auto* left = new QWidget(full);
    auto* leftLayout = new QVBoxLayout(left);
    leftLayout->setContentsMargins(0, 0, 0, 0);
    leftLayout->setSpacing(0);
    m_changes->setWordWrap(true);
    m_changes->setTextFormat(Qt::RichText);
    m_changes->setMargin(12);
    m_changes->setAlignment(Qt::AlignTop);
    leftLayout->addWidget(m_summary, 1);
    leftLayout->addWidget(m_changes, 1);
    auto* split = new QSplitter(full);
    split->addWidget(left);
    split->addWidget(m_layers);
    split->setStretchFactor(1, 1);
    split->setSizes({600, 900});
    split->setChildrenCollapsible(false);
    layout->addWidget(split, 1);
    m_stack->addWidget(m_empty);
    m_stack->addWidget(full);
    body().addLayout(m_stack, 1);
    connect(m_empty, &widgets::EmptyState::actionRequested, this,
            [this] { this->context().showPage("model"); });
    connect(&context.derived, &Derived::figuresChanged, this, &ComparePage::showNames);
    showNames();
}

QWidget* ComparePage::makeBar()
{
    auto* bar = new QFrame(this);
    bar->setProperty("panelBar", true);
    auto* layout = new QHBoxLayout(bar);
    layout->setContentsMargins(8, 5, 8, 5);
    layout->setSpacing(8);
    m_baseline->setAccessibleName(tr("Baseline"));
    m_other->setAccessibleName(tr("Compared"));
    m_baseline->setMinimumWidth(180);
    m_other->setMinimumWidth(180);
    layout->addWidget(new QLabel(tr("Baseline"), bar));
    layout->addWidget(m_baseline);
    layout->addWidget(new QLabel(tr("Compared"), bar));
    layout->addWidget(m_other);
    layout->addSpacing(12);
    layout->addWidget(m_onlyDifferent);
    layout->addStretch(1);
    connect(m_baseline, &QComboBox::activated, this, &ComparePage::compare);
    connect(m_other, &QComboBox::activated, this, &ComparePage::compare);
    connect(m_onlyDifferent, &QCheckBox::toggled, this, &ComparePage::compare);
    return bar;
}

void ComparePage::showNames()
{
    const auto& all = project().configurations;
    m_stack->setCurrentIndex(all.size() > 1 ? 1 : 0);
    m_empty->setTexts(project().isEmpty()
                          ? tr("No model yet. Open one, or try the built-in sample.")
                          : tr("One configuration is there. Branch it, calibrate or apply a trial "
                               "to have two to compare."),
                      project().isEmpty() ? QString() : tr("Go to the model"));
    const QString before = m_baseline->currentText();
    const QString after = m_other->currentText();
    m_baseline->clear();
    m_other->clear();
    for (const auto& configuration : all) {
        const QString name = QString::fromStdString(configuration->configuration.name);
        m_baseline->addItem(name);
        m_other->addItem(name);
    }
    m_baseline->setCurrentIndex(std::max(0, m_baseline->findText(before)));
    const int same = m_other->findText(after);
    m_other->setCurrentIndex(same >= 0 && !after.isEmpty() ? same : project().current);
    if (m_other->currentIndex() == m_baseline->currentIndex() && all.size() > 1) {
        m_other->setCurrentIndex(m_baseline->currentIndex() == 0 ? m_other->count() - 1 : 0);
    }
    compare();
}

void ComparePage::compare()
{
    const auto& all = project().configurations;
    const int first = m_baseline->currentIndex();
    const int second = m_other->currentIndex();
    if (first < 0 || second < 0 || all.size() < 2) {
        return;
    }
    const auto side = [&](int index) {
        const auto& named = all[static_cast<std::size_t>(index)];
        return Side{named,
                    figuresOf(project().graph(), named->configuration, project().accelerator)};
    };
    const Side a = side(first);
    const Side b = side(second);
    showSummary(a, b);
    showLayers(a, b);
    Q_EMIT statusChanged();
}

void ComparePage::showSummary(const Side& a, const Side& b)
{
    auto lines = std::make_shared<std::vector<SummaryLine>>();
    const auto cost = [&](const QString& metric, double x, double y, int decimals,
                          const QString& unit) {
        const auto text = [&](double v) {
            return widgets::number(v, decimals) + QLatin1Char(' ') + unit;
        };
        lines->push_back({metric, text(x), text(y), costDelta(y, x)});
    };
    const auto& ma = a.named->measured;
    const auto& mb = b.named->measured;
    const auto accuracy = [](const auto& measured) {
        return measured ? widgets::number(measured->accuracy * 100.0, 2) + QStringLiteral(" % ± ") +
                              widgets::number(measured->standardError * 100.0, 2)
                        : tr("not evaluated");
    };
    // A difference is told only for the same data.
    const bool isComparable =
        ma && mb && ma->count == mb->count && ma->dataDescription == mb->dataDescription;
    lines->push_back({tr("Accuracy"), accuracy(ma), accuracy(mb),
                      isComparable
                          ? shareDelta(mb->accuracy, ma->accuracy, ma->standardError)
                          : Delta{ma && mb ? tr("other data") : QString(), widgets::Tone::Second}});
    cost(tr("Weights, packed"), a.figures.weightKib, b.figures.weightKib, 1, QStringLiteral("KiB"));
    if (!a.figures.error && !b.figures.error) {
        cost(tr("Energy per inference (est.)"), a.figures.microjoule(), b.figures.microjoule(), 2,
             QStringLiteral("µJ"));
        cost(tr("Latency (est.)"), a.figures.milliseconds(), b.figures.milliseconds(), 3,
             QStringLiteral("ms"));
        const double ua = a.figures.hardware.utilization;
        const double ub = b.figures.hardware.utilization;
        lines->push_back({tr("Utilization"), widgets::number(ua * 100.0, 1) + QStringLiteral(" %"),
                          widgets::number(ub * 100.0, 1) + QStringLiteral(" %"),
                          shareDelta(ub, ua)});
    }
    m_summary->setRows(static_cast<int>(lines->size()), [lines](int row, int column) {
        const SummaryLine& line = (*lines)[static_cast<std::size_t>(row)];
        switch (column) {
        case 0:
            return widgets::textCell(line.metric);
        case 1:
            return widgets::textCell(line.baseline);
        case 2:
            return widgets::textCell(line.other);
        default:
            return widgets::textCell(line.delta.text, line.delta.tone);
        }
    });
}

void ComparePage::showLayers(const Side& a, const Side& b)
{
    auto lines = std::make_shared<std::vector<LayerLine>>();
    const auto layers = project().graph().layers();
    const auto bitsOf = [](const Side& side, std::size_t i) {
        return i < side.figures.bits.size() ? side.figures.bits[i] : hw::LayerBits{};
    };
    QStringList changes;
    m_differing = 0;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        if (graph::slotsOf(layers[i]).empty()) {
            continue;
        }
        LayerLine line;
        line.layer = layers[i].name;
        line.bits = {bitsOf(a, i), bitsOf(b, i)};
        const std::array sides{&a, &b};
        for (std::size_t s = 0; s < sides.size(); ++s) {
            for (const hw::LayerCost& cost : sides[s]->figures.hardware.layers) {
                if (cost.layer == line.layer) {
                    line.kilocycles[s] = static_cast<double>(cost.cycles) / 1e3;
                    line.microjoule[s] = cost.totalEnergyPicojoule() / 1e6;
                }
            }
        }
        if (line.differs()) {
            ++m_differing;
            const auto step = [](const QString& word, int from, int to) {
                const auto text = [](int bits) {
                    return bits >= 32 ? QStringLiteral("f32") : QString::number(bits);
                };
                return from == to ? QString()
                                  : QStringLiteral(" %1 %2 → %3").arg(word, text(from), text(to));
            };
            changes << QStringLiteral("<b>%1</b>%2%3")
                           .arg(
                               QString::fromStdString(line.layer).toHtmlEscaped(),
                               step(QStringLiteral("w"), line.bits[0].weights,
                                    line.bits[1].weights),
                               step(QStringLiteral("a"), line.bits[0].output, line.bits[1].output));
        }
        if (!m_onlyDifferent->isChecked() || line.differs()) {
            lines->push_back(line);
        }
    }
    m_changes->setText(tr("<b>What changed</b>") + QStringLiteral("<br><br>") +
                       (changes.isEmpty() ? tr("No bits differ.")
                                          : changes.join(QStringLiteral(" &nbsp;·&nbsp; "))));
    m_layers->setRows(static_cast<int>(lines->size()), [lines](int row, int column) {
        const LayerLine& line = (*lines)[static_cast<std::size_t>(row)];
        switch (column) {
        case 0:
            return widgets::textCell(QString::fromStdString(line.layer));
        case 1:
            return widgets::bitsCell(line.bits[0].weights);
        case 2:
            return widgets::bitsCell(line.bits[0].output);
        case 3:
            return widgets::bitsCell(line.bits[1].weights);
        case 4:
            return widgets::bitsCell(line.bits[1].output);
        case 5:
            return widgets::numberCell(line.kilocycles[0], 1);
        case 6:
            return widgets::numberCell(line.kilocycles[1], 1);
        case 7:
            return widgets::numberCell(line.microjoule[0], 3);
        default:
            return widgets::numberCell(line.microjoule[1], 3);
        }
    });
}

QStringList ComparePage::status() const
{
    return project().configurations.size() < 2
               ? QStringList{}
               : QStringList{tr("%n layer(s) differ", "", m_differing)};
}

} // namespace

Page* makeComparePage(Context& context, QWidget* parent)
{
    return new ComparePage(context, parent);
}

} // namespace bitscape::app

#include "compare_page.moc"
