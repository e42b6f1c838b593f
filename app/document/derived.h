// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/document/document.h"
#include "app/jobs/job_runner.h"
#include "core/hw/accelerator.h"
#include "core/search/study.h"

#include <QObject>
#include <QStringList>
#include <QTimer>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bitscape::app {

/// Costs of one configuration on the accelerator in use.
struct Figures {
    hw::NetworkCost hardware;
    std::vector<hw::LayerBits> bits; ///< by layer index
    double weightKib = 0.0;
    std::optional<Error> error; ///< the hardware model refused: nothing else is filled in

    [[nodiscard]] double microjoule() const { return hardware.energyPicojoule / 1e6; }
    [[nodiscard]] double milliseconds() const { return hardware.seconds * 1e3; }
};

/// The project's data in the order and shapes of the network's inputs. InvalidArgument without
/// model or data, ShapeMismatch.
[[nodiscard]] Result<std::shared_ptr<const train::Samples>>
fittedSamples(const project::Project& project);

[[nodiscard]] Figures figuresOf(const graph::Graph& graph,
                                const graph::Configuration& configuration,
                                const hw::Accelerator& accelerator);

/// How sure a number is.
enum class Certainty { Unknown, Exact, Sample, Stale };

struct Accuracy {
    double value = 0.0;         ///< 0 … 1
    double standardError = 0.0; ///< one
    Index count = 0;
    Certainty certainty = Certainty::Unknown;
};

/// Signal to noise of every layer's output under quantization, and the accuracy on a sample.
struct Quality {
    Accuracy accuracy;
    std::map<std::string, double> sqnrDb; ///< by layer; infinite where nothing changed
};

/// Numbers that follow from the project: costs at once, quality a little later in the background.
class Derived final : public QObject {
    Q_OBJECT
public:
    /// sampleSize: samples behind the live accuracy; threads: of the measurement, 0: all cores.
    Derived(Document& document, int sampleSize, int threads, QObject* parent = nullptr);

    [[nodiscard]] const Figures& figures() const { return m_figures; }
    /// Costs and name of what deltas refer to.
    [[nodiscard]] const Figures& reference() const { return m_reference; }
    [[nodiscard]] QString referenceId() const { return m_referenceId; }
    void setReference(const QString& id);
    /// Accuracy of the current configuration: measured on all data if that was done, else on the
    /// sample.
    [[nodiscard]] Accuracy accuracy() const;
    /// Accuracy of the float network on the same sample.
    [[nodiscard]] Accuracy floatAccuracy() const { return m_floatAccuracy; }
    [[nodiscard]] const Quality& quality() const { return m_quality; }
    [[nodiscard]] bool isMeasuring() const { return m_runner.isRunning(); }
    /// The quality belongs to the configuration shown now.
    [[nodiscard]] bool isQualityCurrent() const;
    /// Costs of a trial on the accelerator in use; computed when first asked for.
    [[nodiscard]] const Figures& figuresOfTrial(const search::Trial& trial);

Q_SIGNALS:
    void figuresChanged();
    void qualityChanged();

private:
    struct FloatRun;
    /// What a measurement belongs to; cheap to compare, unlike a hash of all weights.
    struct Key {
        std::shared_ptr<const io::ModelFile> model;
        std::shared_ptr<const graph::WeightSet> weights;
        std::shared_ptr<const io::DataSet> data;
        std::string configuration; ///< canonical text

        bool operator==(const Key&) const = default;
    };
    struct Measured {
        Quality quality;
        Accuracy floatAccuracy;
        std::shared_ptr<const FloatRun> floatRun;
    };
    void update(Changes changes);
    void updateReference();
    void measure();
    [[nodiscard]] static Result<Measured> measureNow(const Snapshot& project,
                                                     std::shared_ptr<const FloatRun> floatRun,
                                                     int sampleSize, int threads,
                                                     const JobContext& job);

    Document& m_document;
    int m_sampleSize;
    int m_threads;
    QString m_referenceId;
    Figures m_figures;
    Figures m_reference;
    Quality m_quality;
    Accuracy m_floatAccuracy;
    Key m_qualityKey; ///< what m_quality belongs to
    Key m_currentKey;
    std::shared_ptr<const project::NamedConfiguration> m_exactFor; ///< its stored metric is valid
    std::shared_ptr<const FloatRun> m_floatRun;
    std::map<std::string, Figures> m_trialFigures; ///< by content of the configuration
    QTimer m_delay;
    JobRunner m_runner; ///< last: stops before the rest goes
};

} // namespace bitscape::app
