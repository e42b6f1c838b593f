// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/networks.h"
#include "widgets/delegates/cell_delegate.h"
#include "widgets/models/layer_tree_model.h"
#include "widgets/models/table_model.h"
#include "widgets/panels/data_table.h"
#include "widgets/style/format.h"

#include <QAbstractItemModelTester>
#include <QSignalSpy>
#include <QTest>

#include <limits>

using namespace bitscape;
using namespace bitscape::widgets;

namespace {

LayersData layersOf(std::initializer_list<const char*> names)
{
    networks::Builder builder(Shape{8, 8, 1});
    for (const char* name : names) {
        builder.add(name, "Conv2D", networks::conv(2, 3));
    }
    LayersData data;
    data.graph = builder.make();
    data.bits = hw::layerBits(*data.graph, data.configuration);
    return data;
}

Cell numberedCell(int row, int column)
{
    return integerCell(row * 10 + column);
}

} // namespace

class ModelsTest final : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates)); }

    void tableKeepsRowsThatStay()
    {
        TableModel model({{QStringLiteral("A")}, {QStringLiteral("B")}});
        QAbstractItemModelTester tester(&model,
                                        QAbstractItemModelTester::FailureReportingMode::QtTest);
        QSignalSpy resets(&model, &QAbstractItemModel::modelReset);
        for (const int rows : {3, 5, 5, 1, 0, 2}) {
            model.setRows(rows, numberedCell);
            QCOMPARE(model.rowCount(), rows);
        }
        QCOMPARE(resets.count(), 0);
        QCOMPARE(model.index(1, 1).data().toString(), QStringLiteral("11"));
        QCOMPARE(model.findRow(1), 1);
        QCOMPARE(model.findRow(7), -1);
    }

    void tableSortsByValueNotByText()
    {
        DataTable table({{QStringLiteral("Value")}}, QStringLiteral("t"), QStringLiteral("Values"));
        const std::vector<double> values{9.0, 10.0, std::numeric_limits<double>::quiet_NaN(), 1.0};
        table.setRows(4, [values](int row, int) {
            return numberCell(values[static_cast<std::size_t>(row)], 1);
        });
        table.sortByColumn(0, Qt::AscendingOrder);
        QStringList shown;
        for (int row = 0; row < 4; ++row) {
            shown << table.model()->index(row, 0).data().toString();
        }
        QCOMPARE(shown, (QStringList{QStringLiteral("1.0"), QStringLiteral("9.0"),
                                     QStringLiteral("10.0"), missing()}));
    }

    void tableCopiesTheSelection()
    {
        DataTable table({{QStringLiteral("A")}, {QStringLiteral("B")}}, QStringLiteral("t"),
                        QStringLiteral("Values"));
        table.setRows(3, numberedCell);
        table.selectRow(1);
        QCOMPARE(table.selectionAsText(true), QStringLiteral("A\tB\n10\t11\n"));
        QCOMPARE(table.selectionAsText(false), QStringLiteral("10\t11\n"));
    }

    void choosingFromCodeEmitsNothing()
    {
        DataTable table({{QStringLiteral("A")}}, QStringLiteral("t"), QStringLiteral("Values"));
        table.setRows(3, numberedCell, [](int row) { return QVariant(row + 100); });
        QSignalSpy spy(&table, &DataTable::idSelected);
        table.selectId(101);
        QCOMPARE(table.selectedId().toInt(), 101);
        QCOMPARE(spy.count(), 0);
        table.selectRow(2);
        QCOMPARE(spy.count(), 1);
        QCOMPARE(spy.at(0).at(0).toInt(), 102);
    }

    void treeGroupsByPrefix()
    {
        LayerTreeModel model;
        QAbstractItemModelTester tester(&model,
                                        QAbstractItemModelTester::FailureReportingMode::QtTest);
        model.setLayers(
            layersOf({"stem_a", "stem_b", "stack/one", "stack/two", "conv2d_1", "solo_x"}));
        const QModelIndex network = model.index(0, 0);
        QCOMPARE(model.rowCount(), 1);
        // Input, two blocks, a layer whose prefix repeats its class, a lone one.
        QCOMPARE(model.rowCount(network), 5);
        const QModelIndex stem = model.layerIndex("stem_b").parent();
        QVERIFY(stem.data().toString().startsWith(QStringLiteral("stem")));
        QCOMPARE(model.layersOf(stem), (std::vector<std::string>{"stem_a", "stem_b"}));
        QCOMPARE(model.layerIndex("conv2d_1").parent(), network);
        QCOMPARE(model.layersOf(network).size(), std::size_t{7});
    }

    void treeOfTheSameNetworkKeepsRows()
    {
        LayerTreeModel model;
        QAbstractItemModelTester tester(&model,
                                        QAbstractItemModelTester::FailureReportingMode::QtTest);
        LayersData data = layersOf({"a", "b"});
        model.setLayers(data);
        QSignalSpy resets(&model, &QAbstractItemModel::modelReset);
        const QPersistentModelIndex row = model.layerIndex("b");
        data.configuration.set("b", graph::Slot::Kernel, *quant::parseQuantizer("ternary()"));
        data.bits = hw::layerBits(*data.graph, data.configuration);
        model.setLayers(data);
        QCOMPARE(resets.count(), 0);
        QVERIFY(row.isValid());
        QCOMPARE(row.sibling(row.row(), LayerTreeModel::WeightBitsColumn).data().toString(),
                 QStringLiteral("2"));
        model.setLayers(layersOf({"c"}));
        QCOMPARE(resets.count(), 1);
    }

    void treeEditIsAWish()
    {
        LayerTreeModel model;
        model.setLayers(layersOf({"a"}));
        const QModelIndex cell =
            model.layerIndex("a").siblingAtColumn(LayerTreeModel::WeightQuantizerColumn);
        QVERIFY(cell.flags().testFlag(Qt::ItemIsEditable));
        QVERIFY(!model.index(0, LayerTreeModel::WeightQuantizerColumn)
                     .flags()
                     .testFlag(Qt::ItemIsEditable));
        QSignalSpy spy(&model, &LayerTreeModel::quantizerEntered);
        QVERIFY(!model.setData(cell, QStringLiteral("ternary"), Qt::EditRole));
        QCOMPARE(spy.count(), 1);
        QCOMPARE(spy.at(0).at(0).toString(), QStringLiteral("a"));
        QCOMPARE(cell.data().toString(), QStringLiteral("float"));
    }

    void filterCountsMatches()
    {
        LayerTreeModel model;
        model.setLayers(layersOf({"first", "second"}));
        model.setFilter(QStringLiteral("conv"));
        QCOMPARE(model.matchCount(), 2);
        model.setFilter(QStringLiteral("conv first"));
        QCOMPARE(model.matchCount(), 1);
        model.setFilter(QString());
        QCOMPARE(model.matchCount(), 3);
    }

    void cellGeometryStaysInside()
    {
        for (const double width : {20.0, 60.0, 200.0}) {
            const QRectF cell(5, 5, width, 24);
            const CellGeometry chip = CellGeometry::of(cell, true, false, 14.0);
            QVERIFY(cell.contains(chip.chip));
            const CellGeometry bar = CellGeometry::of(cell, false, true, 0.0);
            QVERIFY(bar.bar.left() >= cell.left() && bar.bar.right() <= cell.right());
            QVERIFY(bar.text.left() >= bar.bar.right());
        }
    }

    void numbersAreForPeople()
    {
        QCOMPARE(number(-0.004, 2), QStringLiteral("0.00"));
        QCOMPARE(number(-1.5, 1), QStringLiteral("−1.5"));
        QCOMPARE(number(std::numeric_limits<double>::quiet_NaN(), 1), missing());
        QCOMPARE(signedNumber(0.004, 2), QStringLiteral("±0.00"));
        QCOMPARE(signedNumber(3.0, 0), QStringLiteral("+3"));
        QCOMPARE(compact(1234.5), QStringLiteral("1,235"));
        QCOMPARE(duration(308.0), QStringLiteral("5 min 8 s"));
        QCOMPARE(readNumber(QStringLiteral("−1.5")).value_or(0), -1.5);
        QVERIFY(!readNumber(QStringLiteral("x")));
    }
};

QTEST_MAIN(ModelsTest)
#include "models_test.moc"
