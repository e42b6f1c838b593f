// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QVariant>

namespace bitscape::widgets {

/// How a text is colored, by meaning.
enum class Tone { Plain, Second, Good, Warning, Error };

/// One cell of a table or tree: what is printed and what it means.
struct Cell {
    static constexpr int kNoChip = -1;

    QString text;
    QVariant sort;      ///< sorted by; the text if invalid
    int chip = kNoChip; ///< bits of a chip around the text; ≥ 32: float
    double bar = -1.0;  ///< 0 … 1: bar before the text; < 0: none
    Tone tone = Tone::Plain;
    bool bold = false;
    bool code = false; ///< fixed-pitch: quantizer strings
    QString toolTip;
};

/// A number with fixed decimals; NaN prints "—" and sorts last.
[[nodiscard]] Cell numberCell(double value, int decimals);
[[nodiscard]] Cell integerCell(qint64 value);
[[nodiscard]] Cell textCell(QString text, Tone tone = Tone::Plain);
/// A bits chip; 32 and more print "f32".
[[nodiscard]] Cell bitsCell(int bits);
/// A share 0 … 1 as bar and percent.
[[nodiscard]] Cell shareCell(double share);

/// Roles by which delegates and tests read a Cell from a model.
enum CellRole {
    SortRole = Qt::UserRole + 1,
    ChipRole,
    BarRole,
    ToneRole,
    IdRole, ///< what the row stands for: layer name, trial number
};

/// The value of a cell for an item role; invalid if it has none.
[[nodiscard]] QVariant cellData(const Cell& cell, int role, bool numeric);

} // namespace bitscape::widgets
