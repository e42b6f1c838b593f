// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/document.h"
#include "app/document/edits.h"
#include "tests/app/support.h"

#include <QSignalSpy>
#include <QTest>

using namespace bitscape;
using namespace bitscape::app;
using namespace bitscape::testing;

class DocumentTest final : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_document = std::make_unique<Document>();
        m_document->replace(smallProject(), {});
    }

    void undoBringsTheSameObjectBack()
    {
        const Snapshot before = m_document->snapshot();
        m_document->apply(QStringLiteral("Rename"), [](project::Project& p) { p.name = "other"; });
        const Snapshot after = m_document->snapshot();
        QVERIFY(before != after);
        QCOMPARE(m_document->undoStack().undoText(), QStringLiteral("Rename"));
        m_document->undoStack().undo();
        QCOMPARE(m_document->snapshot().get(), before.get());
        m_document->undoStack().redo();
        QCOMPARE(m_document->snapshot().get(), after.get());
    }

    void snapshotsNeverChange()
    {
        const Snapshot kept = m_document->snapshot();
        const std::string name = kept->name;
        m_document->apply(QStringLiteral("Rename"), [](project::Project& p) { p.name = "other"; });
        QCOMPARE(kept->name, name);
    }

    void sameKeyIsOneStep()
    {
        for (const double clock : {100.0, 150.0, 180.0}) {
            hw::Accelerator accelerator = m_document->project().accelerator;
            accelerator.clockMegahertz = clock;
            setAccelerator(*m_document, accelerator, "clock");
        }
        QCOMPARE(m_document->undoStack().count(), 1);
        QCOMPARE(m_document->project().accelerator.clockMegahertz, 180.0);
        m_document->undoStack().undo();
        QCOMPARE(m_document->project().accelerator.clockMegahertz, 200.0);
    }

    void otherKeysAreOtherSteps()
    {
        for (const char* key : {"a", "b"}) {
            hw::Accelerator accelerator = m_document->project().accelerator;
            accelerator.clockMegahertz += 10.0;
            setAccelerator(*m_document, accelerator, key);
        }
        QCOMPARE(m_document->undoStack().count(), 2);
    }

    void changeBackLeavesNoStep()
    {
        for (const double clock : {100.0, 200.0}) {
            hw::Accelerator accelerator = m_document->project().accelerator;
            accelerator.clockMegahertz = clock;
            setAccelerator(*m_document, accelerator, "clock");
        }
        QCOMPARE(m_document->undoStack().count(), 0);
        QVERIFY(!m_document->isModified());
    }

    void editWithoutEffectLeavesNoStep()
    {
        QSignalSpy spy(m_document.get(), &Document::projectChanged);
        m_document->apply(QStringLiteral("Nothing"), [](project::Project&) {});
        QCOMPARE(m_document->undoStack().count(), 0);
        QCOMPARE(spy.count(), 0);
    }

    void tellsWhatChanged()
    {
        QSignalSpy spy(m_document.get(), &Document::projectChanged);
        applyPreset(*m_document, *findPreset("uniform8"), {});
        QCOMPARE(spy.count(), 1);
        QCOMPARE(spy.at(0).at(0).value<Changes>(), Changes(Change::Configurations));
    }

    void savedStateIsClean()
    {
        m_document->apply(QStringLiteral("Rename"), [](project::Project& p) { p.name = "other"; });
        QVERIFY(m_document->isModified());
        m_document->markSaved(m_document->snapshot(), QStringLiteral("folder/x.bitscape"));
        QVERIFY(!m_document->isModified());
        QCOMPARE(m_document->title(), QStringLiteral("x.bitscape"));
    }

    void savingAnOlderStateKeepsTheEdit()
    {
        const Snapshot saved = m_document->snapshot();
        m_document->apply(QStringLiteral("Rename"), [](project::Project& p) { p.name = "other"; });
        m_document->markSaved(saved, QStringLiteral("folder/x.bitscape"));
        QVERIFY(m_document->isModified());
    }

    void digitsKeepTheFamily()
    {
        const Place place{"conv_a", graph::Slot::Kernel};
        QVERIFY(
            editQuantizer(*m_document, place, QStringLiteral("quantized_bits(8,0,1,alpha='auto')"))
                .has_value());
        QCOMPARE(setBits(*m_document, {place}, 4), 1);
        QCOMPARE(m_document->project()
                     .currentConfiguration()
                     .configuration.find("conv_a", graph::Slot::Kernel)
                     ->toString(),
                 std::string("quantized_bits(4,0,1,alpha='auto')"));
        QCOMPARE(setBits(*m_document, {place}, 4), 0);
        QCOMPARE(setBits(*m_document, {place}, 32), 1);
        QVERIFY(!m_document->project().currentConfiguration().configuration.find(
            "conv_a", graph::Slot::Kernel));
    }

    void badQuantizerChangesNothing()
    {
        const auto done = editQuantizer(*m_document, {"conv_a", graph::Slot::Kernel},
                                        QStringLiteral("quantized_bits(4,0,1,alpha='au"));
        QVERIFY(!done);
        QCOMPARE(done.error().code, ErrorCode::InvalidArgument);
        QCOMPARE(m_document->undoStack().count(), 0);
    }

    void trialBecomesAConfiguration()
    {
        const auto study = smallStudy(m_document->project().graph());
        applyTrial(*m_document, *study, study->trials[1]);
        QCOMPARE(m_document->undoStack().count(), 1);
        QCOMPARE(m_document->project().currentConfiguration().configuration.name,
                 std::string("Study 1 trial 1"));
        m_document->undoStack().undo();
        QCOMPARE(m_document->project().configurations.size(), std::size_t{1});
    }

    void presetsKeepActivationFunctions()
    {
        applyPreset(*m_document, *findPreset("w4a8"), {});
        const graph::Configuration& c = m_document->project().currentConfiguration().configuration;
        QCOMPARE(c.find("conv_a", graph::Slot::Kernel)->bits(), 4);
        QCOMPARE(c.find("conv_a", graph::Slot::Activation)->info().name,
                 std::string("quantized_relu"));
        QCOMPARE(c.find("conv_a", graph::Slot::Activation)->bits(), 8);
        QCOMPARE(c.find("head", graph::Slot::Activation)->info().name,
                 std::string("quantized_bits"));
    }

private:
    std::unique_ptr<Document> m_document;
};

QTEST_GUILESS_MAIN(DocumentTest)
#include "document_test.moc"
