// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/exports.h"

#include "core/base/text.h"
#include "core/graph/execution.h"
#include "core/hw/accelerator.h"
#include "core/io/array_file.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace bitscape::project {

namespace {

namespace fs = std::filesystem;

/// A folder that is gone again unless it was put in place.
class Staging {
public:
    explicit Staging(fs::path folder) : m_folder(std::move(folder)) {}
    ~Staging()
    {
        std::error_code ignored;
        fs::remove_all(m_folder, ignored);
    }
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;
    Staging(Staging&&) = delete;
    Staging& operator=(Staging&&) = delete;

    [[nodiscard]] const fs::path& folder() const { return m_folder; }

private:
    fs::path m_folder;
};

Failure unwritten(const std::string& path, const std::error_code& error)
{
    return fail(error == std::errc::no_space_on_device ? ErrorCode::OutOfResources : ErrorCode::Io,
                "It cannot be written: " + error.message() + ".", path);
}

/// Moves the files of a finished folder to where they belong.
Result<void> putInPlace(const Staging& staging, const std::string& path,
                        const io::ExportContent& content)
{
    std::error_code error;
    if (!fs::exists(path)) {
        fs::rename(staging.folder(), path, error);
        return error ? Result<void>(unwritten(path, error)) : Result<void>();
    }
    for (const io::ExportFile& file : content.files) {
        const fs::path target = fs::path(path) / file.name;
        fs::rename(staging.folder() / file.name, target, error);
        if (error) {
            return unwritten(target.string(), error);
        }
    }
    return {};
}

Result<std::vector<std::string>> writeFolder(const std::string& path,
                                             const io::ExportContent& content)
{
    std::error_code error;
    if (fs::exists(path) && !fs::is_directory(path)) {
        return fail(ErrorCode::Io, "It is a file; this format writes a folder.", path);
    }
    const Staging staging(io::partPath(fs::path(path).lexically_normal().string()));
    fs::remove_all(staging.folder(), error);
    if (!fs::create_directory(staging.folder(), error)) {
        return unwritten(path, error);
    }
    std::vector<std::string> files;
    for (const io::ExportFile& file : content.files) {
        const std::string part = (staging.folder() / file.name).string();
        if (auto ok = io::writeFileAtomically(part, file.bytes); !ok) {
            return fail(std::move(ok).error());
        }
        files.push_back((fs::path(path) / file.name).string());
    }
    if (auto ok = putInPlace(staging, path, content); !ok) {
        return fail(std::move(ok).error());
    }
    return files;
}

Result<std::vector<std::string>> writeContent(const ExportFormat& format, const std::string& path,
                                              const io::ExportContent& content)
{
    if (format.kind == ExportKind::Folder) {
        return writeFolder(path, content);
    }
    if (auto ok = io::writeFileAtomically(path, content.files.front().bytes); !ok) {
        return fail(std::move(ok).error());
    }
    return std::vector<std::string>{path};
}

Result<void> checkNeeds(const ExportFormat& format, const ExportRequest& request)
{
    if (format.needsQuantizers && request.input.configuration.isFloat()) {
        return fail(ErrorCode::InvalidArgument,
                    "The network has no quantizers, and " + format.name + " is about them.",
                    "--format", "Give --map, or a project with a quantized configuration.");
    }
    if (format.needsTrials && (!request.project || request.project->studies.empty())) {
        return fail(ErrorCode::InvalidArgument,
                    "There are no trials, and " + format.name + " is about them.", "--format",
                    "Give a project in which a search was run.");
    }
    return {};
}

} // namespace

Result<ExportRequest> exportRequest(const OpenedModel& opened)
{
    auto graph = opened.model->graph->withWeights(opened.weights);
    if (!graph) {
        return fail(std::move(graph).error());
    }
    return ExportRequest{
        {std::move(*graph), opened.configuration}, opened.model, opened.project, {}};
}

Result<const ExportFormat*> findExportFormat(std::string_view name)
{
    std::vector<std::string> known;
    for (const ExportFormat& format : exportFormats()) {
        if (format.name == name) {
            return &format;
        }
        known.push_back(format.name);
    }
    const std::string near = nearest(name, known);
    return fail(ErrorCode::InvalidArgument, "There is no format '" + std::string(name) + "'.",
                "--format",
                (near.empty() ? "" : "Did you mean '" + near + "'? ") + "There is " +
                    join(known, ", ") + ".");
}

WeightSizes weightSizes(const io::ExportInput& input)
{
    constexpr std::int64_t kBitsPerByte = 8;
    graph::GraphPtr graph = input.graph;
    if (input.configuration.foldBatchNorm) {
        if (auto folded = graph::foldBatchNorm(*graph, input.configuration)) {
            graph = std::move(*folded);
        }
    }
    WeightSizes sizes;
    sizes.floatBytes = input.graph->parameterCount() * static_cast<std::int64_t>(sizeof(float));
    sizes.packedBytes =
        (hw::packedWeightBits(*graph, input.configuration) + kBitsPerByte - 1) / kBitsPerByte;
    return sizes;
}

Result<ExportResult> exportTo(const ExportFormat& format, const ExportRequest& request,
                              const std::string& path, const JobContext& job)
{
    if (auto ok = checkNeeds(format, request); !ok) {
        return fail(std::move(ok).error());
    }
    auto content = format.write(request, job);
    if (!content) {
        return fail(std::move(content).error());
    }
    if (auto ok = job.proceed(); !ok) {
        return fail(std::move(ok).error());
    }
    ensure(!content->files.empty(), "an export format writes at least one file");
    auto files = writeContent(format, path, *content);
    if (!files) {
        return fail(std::move(files).error());
    }
    ExportResult result;
    result.files = std::move(*files);
    for (const io::ExportFile& file : content->files) {
        result.bytes += static_cast<std::int64_t>(file.bytes.size());
    }
    result.weights = weightSizes(request.input);
    result.notes = std::move(content->notes);
    result.warnings = std::move(content->warnings);
    return result;
}

} // namespace bitscape::project
