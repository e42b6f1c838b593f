// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/hw/accelerator.h"
#include "core/hw/qtools.h"
#include "core/io/data_file.h"
#include "core/io/model_file.h"
#include "core/search/calibration.h"
#include "core/search/study.h"
#include "core/train/train.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::project {

/// A named set of quantizers with what is known of it.
struct NamedConfiguration {
    graph::Configuration configuration;
    std::shared_ptr<const graph::WeightSet> weights; ///< null: the model's
    /// Metrics measured on data, with the hash of (weights, configuration) they belong to.
    struct Measured {
        double accuracy = 0;
        double standardError = 0;
        Index count = 0;
        std::string dataDescription;
        std::string forHash;
    };
    std::optional<Measured> measured;
};

/// Everything the user sees is a function of a Project. A value: cheap to copy, heavy parts are
/// shared and immutable.
struct Project {
    std::string name = "untitled";
    std::string uuid;                           ///< made when the project is
    std::string created, modified;              ///< ISO 8601, UTC
    std::shared_ptr<const io::ModelFile> model; ///< null: empty project
    std::shared_ptr<const io::DataSet> data;    ///< null: none
    /// Samples that the source gave; `data` holds fewer if it is the sample kept in a file.
    Index dataCount = 0;
    /// How the data set is split: the last share is for validation.
    double validationShare = 0.2;
    std::shared_ptr<const search::Calibration> calibration; ///< null: not gathered
    std::vector<train::HistoryEntry> trainingHistory;
    std::vector<std::shared_ptr<const NamedConfiguration>>
        configurations; ///< at least one once a model is there
    int current = 0;    ///< index in configurations
    std::vector<std::shared_ptr<const search::Study>> studies;
    std::vector<hw::Accelerator> accelerators;    ///< own ones, besides the presets
    hw::Accelerator accelerator;                  ///< the one in use
    std::map<std::string, std::string> viewState; ///< plots' state by object name, JSON texts
    std::vector<std::string> commands; ///< command lines that made parts of it, for the report

    [[nodiscard]] bool isEmpty() const { return !model; }
    /// Preconditions: !isEmpty().
    [[nodiscard]] const graph::Graph& graph() const { return *model->graph; }
    /// Takes data in: sets dataCount too.
    void putData(io::DataSet set);
    [[nodiscard]] const NamedConfiguration& currentConfiguration() const;
    [[nodiscard]] graph::WeightSet currentWeights() const;
    /// By name; null if there is none.
    [[nodiscard]] const NamedConfiguration* findConfiguration(std::string_view wanted) const;
    /// Adds or replaces by name; makes it current.
    void putConfiguration(NamedConfiguration configuration);
    /// Edits the current configuration in place of the old one (copy on write); measured values go.
    void editCurrent(const std::function<void(graph::Configuration&)>& edit);
};

/// A project around a model: configuration "float" or the imported quantizers.
[[nodiscard]] Project makeProject(std::shared_ptr<const io::ModelFile> model);
/// The time as projects write it: "2024-02-29T12:00:00Z".
[[nodiscard]] std::string nowUtc();
/// Random (version 4) UUID.
[[nodiscard]] std::string makeUuid();

/// MODEL of the contract resolved: file, `sample:NAME`, `FILE.bitscape[@CONFIG]`.
struct OpenedModel {
    std::shared_ptr<const io::ModelFile> model;
    graph::Configuration configuration;
    graph::WeightSet weights;
    std::shared_ptr<const Project> project; ///< the whole of it; null: the model is no project
};
[[nodiscard]] Result<OpenedModel> openModel(const std::string& argument);
/// DATA of the contract; adds `sample:digits` (and `sample:digits:test`) to what io::loadData
/// reads. threads: for decoding images; below 1: all cores.
[[nodiscard]] Result<io::DataSet> openData(const io::DataRecipe& recipe, const JobContext& job = {},
                                           int threads = 0);

/// The finished built-in sample (digits): trained, calibrated, searched, measured. From memory, as
/// a new project of its own.
[[nodiscard]] Result<Project> sampleProject();

/// What load() does about data of which the file keeps a sample only.
enum class DataPolicy {
    Source, ///< read the source again; if it is gone or changed, the sample stays, with a warning
            ///< in DataSet::warnings
    Stored, ///< take the sample: quick, for looking only
};

/// Most that a project file keeps of a data set: so many samples, evenly spaced, and so many bytes.
inline constexpr Index kStoredSamples = 2000;
inline constexpr std::int64_t kStoredSampleBytes = std::int64_t{16} << 20;

/// Format version this program writes and the newest it reads.
inline constexpr int kFormatVersion = 1;

/// Saves atomically (NAME.part, fsync, rename); layout in core/io/FORMAT.md. The file says now as
/// the time of its modification. Io, OutOfResources; the file of before is then unchanged.
[[nodiscard]] Result<void> save(const Project& project, const std::string& path);
/// NotFound, CorruptFile (place named), VersionTooNew. The header's format version and checksum are
/// judged before anything else is read.
[[nodiscard]] Result<Project> load(const std::string& path, DataPolicy policy = DataPolicy::Source,
                                   const JobContext& job = {});
/// From memory; `where` names it in errors.
[[nodiscard]] Result<Project> loadFromMemory(std::string_view bytes, const std::string& where,
                                             DataPolicy policy = DataPolicy::Source,
                                             const JobContext& job = {});

/// Costs of the numbers in the strip and the search: bits, QTools energy, cycles.
[[nodiscard]] search::CostFunction costFunction(hw::Accelerator accelerator);
/// Energies for the energy goal of a search, from hw::qtoolsEstimate.
[[nodiscard]] search::EnergyFunction energyFunction();
/// SearchInput ready for search::run: data split, costs and energies wired. InvalidArgument without
/// model or data, ShapeMismatch.
[[nodiscard]] Result<search::SearchInput> searchInput(const Project& project);
/// Hash of what a measured metric belongs to: model, weights and quantizers of the current
/// configuration. Precondition: !isEmpty().
[[nodiscard]] std::string stateHash(const Project& project);
/// Hash of what searchInput() starts from: model, current weights, the model's own quantizers.
[[nodiscard]] std::string studyBaseHash(const Project& project);

} // namespace bitscape::project
