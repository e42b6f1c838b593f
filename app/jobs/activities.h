// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/document/document.h"
#include "app/jobs/jobs.h"
#include "core/project/exports.h"
#include "core/search/calibration.h"
#include "core/search/study.h"
#include "core/train/train.h"

#include <QObject>

#include <memory>
#include <mutex>
#include <vector>

namespace bitscape::app {

/// Weights that a training starts from.
enum class TrainStart {
    CurrentWeights, ///< of the current configuration
    FreshWeights,   ///< drawn by the layers' initializers
};

/// Everything that takes long, as commands on the document: a snapshot goes in, the result comes
/// back as one undo step, failures come as signals.
class Activities final : public QObject {
    Q_OBJECT
public:
    /// threads: of each job; 0: all cores.
    Activities(Document& document, Jobs& jobs, int threads, QObject* parent = nullptr);
    ~Activities() override;
    Q_DISABLE_COPY_MOVE(Activities)

    [[nodiscard]] Jobs& jobs() { return m_jobs; }

    /// Opens a model or project in place of the document (the caller has asked about changes), or
    /// data into it: what the file is decides. Emits opened() or failed().
    void open(const QString& path);
    void openSample();
    void openData(const io::DataRecipe& recipe);
    void save(const QString& path);
    /// Writes the current configuration for another tool. Emits exported() or failed().
    void exportTo(const project::ExportFormat& format, const QString& path);

    /// Statistics of all outputs from the first `images` samples (0: all).
    void gather(int images);
    /// Trains the current configuration; the result is a new configuration with new weights.
    void train(const train::TrainOptions& options, TrainStart start = TrainStart::CurrentWeights);
    /// Runs a search from the current weights; the study enters the project when it ends.
    void search(const search::StudyDescription& description);
    /// Goes on with a study that has fewer trials than it wants.
    void resume(std::shared_ptr<const search::Study> study);
    /// Accuracy of the current configuration on all data.
    void evaluate();

    /// The study that runs, with the trials finished so far; null if none does.
    [[nodiscard]] std::shared_ptr<const search::Study> liveStudy() const { return m_liveStudy; }
    /// Studies of the project and the running one, oldest first.
    [[nodiscard]] std::vector<std::shared_ptr<const search::Study>> studies() const;
    /// Epochs of the running training; those of the project if none runs.
    [[nodiscard]] const std::vector<train::HistoryEntry>& history() const;

Q_SIGNALS:
    /// A document took the place of the old one, from `path` (empty: the sample or a model).
    void opened(const QString& path);
    void saved(const QString& path);
    void exported(const bitscape::project::ExportResult& result);
    void dataOpened();
    void failed(bitscape::app::JobKind kind, const bitscape::Error& error);
    /// Something worth saying that is no failure.
    void warned(bitscape::app::JobKind kind, const QString& text);
    void studyProgressed();
    void trainingProgressed();

private:
    struct Feed;
    void runSearch(search::Study study);
    void drain();
    void report(JobKind kind, const Error& error);
    void warn(JobKind kind, const Warnings& warnings);

    Document& m_document;
    Jobs& m_jobs;
    int m_threads;
    std::shared_ptr<Feed> m_feed; ///< written by jobs, read by the timer of their progress
    std::shared_ptr<const search::Study> m_liveStudy;
    std::vector<train::HistoryEntry> m_liveHistory;
};

} // namespace bitscape::app
