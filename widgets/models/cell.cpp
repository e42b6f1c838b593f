// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/cell.h"

#include "widgets/style/format.h"
#include "widgets/style/palette.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QFont>

#include <cmath>
#include <limits>

namespace bitscape::widgets {

Cell numberCell(double value, int decimals)
{
    Cell cell;
    cell.text = number(value, decimals);
    cell.sort = std::isnan(value) ? std::numeric_limits<double>::max() : value;
    return cell;
}

Cell integerCell(qint64 value)
{
    Cell cell;
    cell.text = integer(value);
    cell.sort = value;
    return cell;
}

Cell textCell(QString text, Tone tone)
{
    Cell cell;
    cell.text = std::move(text);
    cell.tone = tone;
    return cell;
}

Cell bitsCell(int bits)
{
    Cell cell;
    cell.text = bits >= 32 ? QStringLiteral("f32") : integer(bits);
    cell.sort = bits;
    cell.chip = bits;
    return cell;
}

Cell shareCell(double share)
{
    Cell cell = numberCell(share * 100.0, 0);
    cell.bar = std::isfinite(share) ? share : -1.0;
    return cell;
}

QVariant cellData(const Cell& cell, int role, bool numeric)
{
    switch (role) {
    case Qt::DisplayRole:
        return cell.text;
    case Qt::ToolTipRole:
        return cell.toolTip.isEmpty() ? QVariant() : QVariant(cell.toolTip);
    case Qt::TextAlignmentRole:
        return QVariant::fromValue(Qt::Alignment(Qt::AlignVCenter) |
                                   (cell.chip != Cell::kNoChip ? Qt::AlignHCenter
                                    : numeric                  ? Qt::AlignRight
                                                               : Qt::AlignLeft));
    case Qt::FontRole: {
        if (cell.code) {
            return codeFont();
        }
        if (cell.bold) {
            return emphasisFont(1.0);
        }
        return {};
    }
    case Qt::ForegroundRole: {
        const Palette& p = currentPalette();
        switch (cell.tone) {
        case Tone::Plain:
            return {};
        case Tone::Second:
            return p.secondText;
        case Tone::Good:
            return p.good.text;
        case Tone::Warning:
            return p.warning.text;
        case Tone::Error:
            return p.error.text;
        }
        return {};
    }
    case SortRole:
        return cell.sort.isValid() ? cell.sort : QVariant(cell.text);
    case ChipRole:
        return cell.chip == Cell::kNoChip ? QVariant() : QVariant(cell.chip);
    case BarRole:
        return cell.bar < 0.0 ? QVariant() : QVariant(cell.bar);
    case ToneRole:
        return static_cast<int>(cell.tone);
    default:
        return {};
    }
}

} // namespace bitscape::widgets
