// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/file_kinds.h"
#include "app/document/file_preview.h"
#include "app/document/import_report.h"
#include "app/document/pictures.h"
#include "app/window/main_window.h"
#include "core/io/array_file.h"
#include "core/io/model_file.h"
#include "tests/app/support.h"
#include "widgets/dialogs/open_dialog.h"
#include "widgets/panels/data_table.h"
#include "widgets/style/theme.h"

#include <QAbstractButton>
#include <QAction>
#include <QApplication>
#include <QComboBox>
#include <QDropEvent>
#include <QLabel>
#include <QMimeData>
#include <QTemporaryDir>
#include <QTest>

#include <fstream>

using namespace bitscape;
using namespace bitscape::app;
using namespace bitscape::testing;

namespace {

constexpr const char* kWithLambda = R"({"class_name": "Sequential", "keras_version": "2.15.0",
  "config": {"name": "net", "layers": [
    {"class_name": "Dense", "config": {"name": "first", "units": 4, "batch_input_shape": [null, 3]}},
    {"class_name": "Lambda", "config": {"name": "code", "function": "x"}},
    {"class_name": "Dense", "config": {"name": "last", "units": 2}}]}})";

QString text(const widgets::DataTable& table, int row, int column)
{
    return table.model()->index(row, column).data().toString();
}

} // namespace

class ImportTest final : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
        widgets::applyTheme(*qApp, widgets::Theme::Light);
        QVERIFY(m_folder.isValid());
    }

    void init()
    {
        m_settings = Settings::temporary();
        m_dialogs = std::make_unique<AnsweringDialogs>();
        m_window = std::make_unique<MainWindow>(*m_settings, *m_dialogs);
        m_window->resize(1600, 900);
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
    }

    void cleanup()
    {
        m_dialogs->saves.enqueue(widgets::Dialogs::SaveAnswer::Discard);
        m_window.reset();
    }

    void everyLayerOfTheFileIsInTheTable()
    {
        m_window->openFile(savedModel());
        QTRY_COMPARE(m_window->currentPage(), std::string_view("import"));
        const auto* table = importTable();
        const graph::Graph& graph = m_window->document().project().graph();
        QCOMPARE(table->model()->rowCount(), static_cast<int>(graph.layers().size()));
        int quantized = 0;
        for (int row = 0; row < table->model()->rowCount(); ++row) {
            const std::string name = text(*table, row, 0).toStdString();
            QVERIFY(graph.find(name) >= 0);
            QVERIFY(!text(*table, row, 2).isEmpty());
            if (name == "conv_a") {
                QCOMPARE(text(*table, row, 3),
                         QStringLiteral("kernel quantized_bits(4,0,1,alpha=1.0)"));
                ++quantized;
            }
        }
        QCOMPARE(quantized, 1);
        QVERIFY(!m_window->showPage("import")->banner().isVisible());
        QTest::mouseClick(m_window->findChild<QAbstractButton*>(QStringLiteral("importDone")),
                          Qt::LeftButton);
        QCOMPARE(m_window->currentPage(), std::string_view("model"));
    }

    void unsupportedLayerIsOnTopAndHidesNothing()
    {
        const QString path = written(QStringLiteral("lambda.json"), kWithLambda);
        m_window->openFile(path);
        QTRY_COMPARE(m_window->currentPage(), std::string_view("import"));
        const auto* table = importTable();
        QCOMPARE(table->model()->rowCount(), 3);
        QCOMPARE(text(*table, 0, 0), QStringLiteral("code"));
        QCOMPARE(text(*table, 0, 1), QStringLiteral("Lambda"));
        QVERIFY(!text(*table, 0, 4).isEmpty());
        widgets::Banner& banner = m_window->showPage("import")->banner();
        QTRY_VERIFY(banner.isVisible());
        QVERIFY(banner.text().contains(QStringLiteral("1 of 3 layers cannot be run: Lambda (1).")));
        // The tree shows all of it.
        m_window->showPage("model");
        QCOMPARE(m_window->document().project().graph().find("last") >= 0, true);
    }

    void kindsOfFilesAreToldByName()
    {
        QCOMPARE(roleOf(QStringLiteral("/a/b.onnx")), std::optional(FileRole::Model));
        QCOMPARE(roleOf(QStringLiteral("/a/B.KERAS")), std::optional(FileRole::Model));
        QCOMPARE(roleOf(QStringLiteral("/a/x.npz")), std::optional(FileRole::Data));
        QCOMPARE(roleOf(QStringLiteral("/a/t10k-images-idx3-ubyte.gz")),
                 std::optional(FileRole::Data));
        QCOMPARE(roleOf(QStringLiteral("/a/p.bitscape")), std::optional(FileRole::Project));
        QCOMPARE(roleOf(QStringLiteral("fashion-mnist:test")), std::optional(FileRole::Data));
        QVERIFY(!roleOf(QStringLiteral("/a/picture.svg")));
        QTemporaryDir samples;
        QCOMPARE(roleOf(samples.path()), std::optional(FileRole::Data));
        std::ofstream(samples.filePath(QStringLiteral("saved_model.pb")).toStdString()) << "x";
        QCOMPARE(roleOf(samples.path()), std::optional(FileRole::Model));
        for (const FileRole role : {FileRole::Model, FileRole::Data}) {
            QVERIFY(fileFilter(role).count(QStringLiteral(";;")) > 2);
        }
    }

    void filesDroppedTogetherAreOneArgument()
    {
        QCOMPARE(argumentOf({QStringLiteral("w.h5"), QStringLiteral("a.json")}),
                 QStringLiteral("a.json,w.h5"));
        QCOMPARE(argumentOf({QStringLiteral("y.npy"), QStringLiteral("x.npy")}),
                 QStringLiteral("x.npy,y.npy"));
        QCOMPARE(argumentOf({QStringLiteral("a.h5"), QStringLiteral("b.h5")}),
                 QStringLiteral("a.h5"));
    }

    void unknownFilesNameTheAcceptedKinds()
    {
        const QString path = written(QStringLiteral("notes.txt"), "text");
        QMimeData mime;
        mime.setUrls({QUrl::fromLocalFile(path)});
        QDragEnterEvent enter({10, 10}, Qt::CopyAction, &mime, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(m_window.get(), &enter);
        QDropEvent drop(QPointF(10, 10), Qt::CopyAction, &mime, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(m_window.get(), &drop);
        const widgets::Banner& banner = m_window->showPage("welcome")->banner();
        QVERIFY(banner.isVisible());
        QVERIFY(banner.text().contains(QStringLiteral("notes.txt")));
        QVERIFY(m_window->document().isEmpty());
    }

    void previewsSayWhatFilesHold()
    {
        const widgets::FilePreview model = previewOf(savedModel(), FileRole::Model);
        QVERIFY(model.title.startsWith(QStringLiteral("keras-h5")));
        QVERIFY(model.lines.join(QLatin1Char('\n')).contains(QStringLiteral("MACs")));
        QVERIFY(model.problem.isEmpty());
        const widgets::FilePreview data = previewOf(savedData(), FileRole::Data);
        QCOMPARE(data.pictures.size(), 12);
        const widgets::FilePreview broken =
            previewOf(written(QStringLiteral("broken.h5"), "no"), FileRole::Model);
        QVERIFY(!broken.problem.isEmpty());
    }

    void dialogShowsThePreviewOfTheChosenFile()
    {
        const QString path = written(QStringLiteral("one.h5"), "1");
        widgets::OpenDialog dialog(
            nullptr, QStringLiteral("Open"), m_folder.path(), QStringLiteral("All (*)"),
            [](const QString& chosen) {
                return widgets::FilePreview{QStringLiteral("kind of ") + chosen, {}, {}, {}};
            });
        dialog.show();
        Q_EMIT dialog.currentChanged(path);
        const auto* label = dialog.findChild<QLabel*>(QStringLiteral("filePreview"));
        QTRY_VERIFY(label->text().contains(QStringLiteral("kind of ") + path));
    }

    void preparationIsReadAgainAsOneStep()
    {
        m_window->document().replace(smallProject(), {});
        m_window->openFile(savedData());
        QTRY_COMPARE(m_window->document().project().data->samples->count(), Index{24});
        m_window->showPage("import");
        auto* scale = m_window->findChild<QComboBox*>(QStringLiteral("dataScale"));
        scale->setCurrentIndex(1);
        Q_EMIT scale->activated(1);
        m_window->findChild<QAbstractButton*>(QStringLiteral("dataApply"))->click();
        QTRY_VERIFY(m_window->document().project().data->recipe.scale.has_value());
        QCOMPARE(*m_window->document().project().data->recipe.scale, 1.0 / 255.0);
        m_window->document().undoStack().undo();
        QVERIFY(!m_window->document().project().data->recipe.scale.has_value());
        QCOMPARE(scale->currentIndex(), 0);
    }

    void everyFormatCanBeExportedFromTheMenu()
    {
        m_window->document().replace(smallProject(), {});
        m_window->showPage("model");
        for (const project::ExportFormat& format : project::exportFormats()) {
            QVERIFY2(m_window->findChild<QAction*>(QStringLiteral("action.export.") +
                                                   QString::fromStdString(format.name)) != nullptr,
                     format.name.c_str());
        }
        const QString path = m_folder.filePath(QStringLiteral("out.h5"));
        m_dialogs->paths.enqueue(path);
        m_window->findChild<QAction*>(QStringLiteral("action.export.keras-h5"))->trigger();
        widgets::Banner& banner = m_window->showPage("model")->banner();
        QTRY_VERIFY(banner.isVisible());
        QVERIFY2(banner.text().contains(QStringLiteral("out.h5")), qPrintable(banner.text()));
        QVERIFY(io::loadModel(path.toStdString()).has_value());
    }

    void samplesBecomePicturesWithLabels()
    {
        io::DataPreview preview;
        preview.sampleShape = Shape{1, 2, 3};
        preview.samples.push_back({.height = 1,
                                   .width = 2,
                                   .channels = 3,
                                   .pixels = {10, 20, 30, 255, 0, 128},
                                   .series = {},
                                   .label = 1});
        preview.samples.push_back(
            {.height = 1, .width = 1, .channels = 1, .pixels = {7}, .series = {}, .label = 0});
        preview.samples.push_back(
            {.height = 0, .width = 0, .channels = 0, .pixels = {}, .series = {0, 1, 0.5F}});
        preview.classes = {{1, "yes", 1}};
        const SamplePictures pictures = picturesOf(preview);
        QCOMPARE(pictures.images.size(), 3);
        QCOMPARE(pictures.labels, (QStringList{QStringLiteral("yes"), QStringLiteral("0")}));
        QCOMPARE(pictures.images[0].pixel(0, 0), qRgb(10, 20, 30));
        QCOMPARE(pictures.images[0].pixel(1, 0), qRgb(255, 0, 128));
        QCOMPARE(pictures.images[1].pixel(0, 0), qRgb(7, 7, 7));
        QVERIFY(pictures.images[2].pixelColor(0, pictures.images[2].height() - 2) != Qt::white);
    }

private:
    [[nodiscard]] const widgets::DataTable* importTable() const
    {
        return m_window->findChild<widgets::DataTable*>(QStringLiteral("importTable"));
    }
    [[nodiscard]] QString written(const QString& name, const char* content) const
    {
        const QString path = m_folder.filePath(name);
        std::ofstream(path.toStdString()) << content;
        return path;
    }
    [[nodiscard]] QString savedModel() const
    {
        const QString path = m_folder.filePath(QStringLiteral("small.h5"));
        const auto model = smallModel();
        graph::Configuration quantizers;
        quantizers.set("conv_a", graph::Slot::Kernel,
                       *quant::parseQuantizer("quantized_bits(4,0,1,alpha=1.0)"));
        const auto saved =
            io::saveKerasH5(path.toStdString(), *model->graph, model->graph->weights(), quantizers);
        return saved ? path : QString();
    }
    [[nodiscard]] QString savedData() const
    {
        const QString path = m_folder.filePath(QStringLiteral("images.npy"));
        const Tensor images = smallData(24)->samples->inputs.front();
        return io::saveNpy(path.toStdString(), images.view()) ? path : QString();
    }

    QTemporaryDir m_folder;
    std::unique_ptr<Settings> m_settings;
    std::unique_ptr<AnsweringDialogs> m_dialogs;
    std::unique_ptr<MainWindow> m_window;
};

QTEST_MAIN(ImportTest)
#include "import_test.moc"
