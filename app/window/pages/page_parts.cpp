// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/pages/page_parts.h"

#include "widgets/style/format.h"
#include "widgets/style/theme.h"

#include <QAbstractSpinBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>

namespace bitscape::app {

namespace {

constexpr int kNumberWidth = 150;

} // namespace

DataLine::DataLine(Context& context, QWidget* parent)
    : QWidget(parent), m_context(context), m_text(new QLabel(this)),
      m_open(new QPushButton(tr("Open data set…"), this))
{
    m_text->setWordWrap(true);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_text, 1);
    layout->addWidget(m_open);
    connect(m_open, &QPushButton::clicked, this, [this] { m_context.openDataDialog(); });
    connect(&context.document, &Document::projectChanged, this, &DataLine::refresh);
    refresh();
}

void DataLine::refresh()
{
    const project::Project& project = m_context.document.project();
    if (!project.data) {
        m_text->setText(tr("No data set yet."));
        return;
    }
    m_text->setText(tr("%1, %2 samples")
                        .arg(QString::fromStdString(project.data->recipe.describe()),
                             widgets::integer(project.data->samples->count())));
}

void setName(QWidget& field, const QString& name)
{
    field.setAccessibleName(name);
    if (auto* line = field.findChild<QLineEdit*>()) { // of a spin box, of a box to type in
        line->setAccessibleName(name);
    }
}

void addRow(QFormLayout& form, const QString& label, QWidget* field)
{
    if (qobject_cast<QAbstractSpinBox*>(field) != nullptr) {
        field->setMaximumWidth(kNumberWidth);
    }
    form.addRow(label, field);
    setName(*field, label);
}

double shareOf(const Progress& progress)
{
    return progress.total > 0
               ? static_cast<double>(progress.done) / static_cast<double>(progress.total)
               : -1.0;
}

QLabel* heading(const QString& text, QWidget* parent)
{
    auto* label = new QLabel(text, parent);
    label->setFont(widgets::emphasisFont(1.12));
    return label;
}

} // namespace bitscape::app
