// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/io/image_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

// A folder of images. Its sub-folders in alphabetical order are the classes, everything below one
// belongs to it; images that lie beside class folders are left out, as Keras and torchvision do.
// Without sub-folders that hold images there are no labels. Order: class, then folder, then name.
namespace bitscape::io {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNoClass = -1;
constexpr std::size_t kHeadBytes = 4096;
constexpr std::int64_t kMaxImageBytes = std::int64_t{1} << 28;

struct Entry {
    std::string folder; ///< below the source, "" for the source itself
    std::string name;
    std::int64_t label = kNoClass;
    std::int64_t bytes = 0;

    [[nodiscard]] std::string path() const { return folder.empty() ? name : folder + "/" + name; }
};

struct Listing {
    std::vector<std::string> classes;
    std::vector<Entry> entries;
    Index hidden = 0;
};

bool isHidden(const fs::path& path)
{
    return path.filename().string().starts_with(".");
}

Failure unreadable(const fs::path& path, const std::error_code& error)
{
    return fail(ErrorCode::Io, "The folder cannot be read: " + error.message() + ".",
                path.string());
}

/// All files below the class folder `name`; links to folders are not followed.
Result<void> listClass(const fs::path& root, const std::string& name, std::int64_t label,
                       const JobContext& job, Listing& listing)
{
    std::error_code error;
    fs::recursive_directory_iterator files(root / name, error);
    for (; !error && files != fs::recursive_directory_iterator(); files.increment(error)) {
        if (auto ok = job.proceed(); !ok) {
            return ok;
        }
        std::error_code unknown;
        const bool folder = files->is_directory(unknown);
        if (isHidden(files->path())) {
            listing.hidden += 1;
            if (folder) {
                files.disable_recursion_pending();
            }
        } else if (files->is_regular_file(unknown)) {
            const auto size = static_cast<std::int64_t>(files->file_size(unknown));
            const std::string folderName = files->path().parent_path().lexically_relative(root);
            listing.entries.push_back({folderName, files->path().filename(), label, size});
        }
    }
    if (error) {
        return unreadable(root / name, error);
    }
    return {};
}

Result<Listing> listFolder(const fs::path& root, const JobContext& job)
{
    Listing listing;
    std::error_code error;
    fs::directory_iterator files(root, error);
    for (; !error && files != fs::directory_iterator(); files.increment(error)) {
        std::error_code unknown;
        if (isHidden(files->path())) {
            listing.hidden += 1;
        } else if (files->is_directory(unknown)) {
            listing.classes.push_back(files->path().filename());
        } else if (files->is_regular_file(unknown)) {
            const auto size = static_cast<std::int64_t>(files->file_size(unknown));
            listing.entries.push_back({"", files->path().filename(), kNoClass, size});
        }
    }
    if (error) {
        return unreadable(root, error);
    }
    std::ranges::sort(listing.classes);
    for (std::size_t i = 0; i < listing.classes.size(); ++i) {
        auto ok = listClass(root, listing.classes[i], static_cast<std::int64_t>(i), job, listing);
        if (!ok) {
            return fail(std::move(ok).error());
        }
    }
    std::ranges::sort(listing.entries, {}, [](const Entry& entry) {
        return std::tie(entry.label, entry.folder, entry.name);
    });
    return listing;
}

/// What a look at the first bytes of a file says.
struct Look {
    bool isImage = false;
    ImageInfo info;
    std::optional<Error> damage;
};

Result<ImageInfo> infoOf(const std::string& path, const std::string& start, std::int64_t size)
{
    auto info = readImageInfo(start, static_cast<std::size_t>(size), path);
    if (info && !*info) {
        auto whole = readFile(path, kMaxImageBytes);
        if (!whole) {
            return fail(std::move(whole).error());
        }
        info = readImageInfo(*whole, whole->size(), path);
    }
    if (!info) {
        return fail(std::move(info).error());
    }
    return **info;
}

/// A file that is called an image and is none is a damaged image; others are no images.
Look lookAt(const std::string& path, std::int64_t size)
{
    Look look;
    auto start = readFileStart(path, kHeadBytes);
    if (!start) {
        look.isImage = hasImageEnding(path);
        look.damage = std::move(start).error();
        return look;
    }
    look.isImage = isImage(*start) || hasImageEnding(path);
    if (look.isImage) {
        auto info = infoOf(path, *start, size);
        if (info) {
            look.info = *info;
        } else {
            look.damage = std::move(info).error();
        }
    }
    return look;
}

class FolderReader {
public:
    FolderReader(const SourceText& source, const DataRecipe& recipe, const ReadContext& context)
        : m_root(source.path), m_recipe(recipe), m_context(context)
    {
    }

    Result<RawData> read()
    {
        auto listing = listFolder(m_root, m_context.job);
        if (!listing) {
            return fail(std::move(listing).error());
        }
        m_listing = std::move(*listing);
        if (m_context.glance) {
            keepFew();
        }
        if (auto ok = look(); !ok) {
            return fail(std::move(ok).error());
        }
        dropOthers();
        if (m_listing.entries.empty()) {
            return fail(ErrorCode::CorruptFile,
                        "The folder holds no PNG or JPEG image and no other samples.", m_root,
                        "Put the images of each class into a sub-folder of its own.");
        }
        return decode();
    }

private:
    [[nodiscard]] std::string pathOf(std::size_t i) const
    {
        return m_root + "/" + m_listing.entries[i].path();
    }

    /// A glance looks at a few files of the whole folder, evenly spaced, and counts by names.
    void keepFew()
    {
        std::vector<Entry>& entries = m_listing.entries;
        std::erase_if(entries, [](const Entry& entry) { return !hasImageEnding(entry.name); });
        dropBesideClasses();
        m_total = static_cast<Index>(entries.size());
        for (const Entry& entry : entries) {
            if (entry.label != kNoClass) {
                m_allLabels.push_back(entry.label);
            }
        }
        const auto wanted = static_cast<std::size_t>(m_recipe.limit);
        if (wanted == 0 || entries.size() <= wanted) {
            return;
        }
        std::vector<Entry> few;
        for (std::size_t i = 0; i < wanted; ++i) {
            few.push_back(entries[i * entries.size() / wanted]);
        }
        entries = std::move(few);
    }

    Result<void> look()
    {
        const std::vector<Entry>& entries = m_listing.entries;
        m_looks.resize(entries.size());
        m_context.job.begin(static_cast<std::int64_t>(entries.size()), "files");
        return forEachInOrder(entries.size(), m_context, [&](std::size_t i) -> Result<void> {
            m_looks[i] = lookAt(pathOf(i), entries[i].bytes);
            return {};
        });
    }

    void dropOthers()
    {
        std::vector<Entry> images;
        std::vector<Look> looks;
        Index others = 0;
        std::string example;
        for (std::size_t i = 0; i < m_looks.size(); ++i) {
            if (m_looks[i].isImage) {
                images.push_back(std::move(m_listing.entries[i]));
                looks.push_back(std::move(m_looks[i]));
            } else if (others++ == 0) {
                example = m_listing.entries[i].path();
            }
        }
        m_listing.entries = std::move(images);
        m_looks = std::move(looks);
        dropBesideClasses();
        tell(others, example);
    }

    /// Where there are classes, images outside of them have none and are no samples.
    void dropBesideClasses()
    {
        std::vector<Entry>& entries = m_listing.entries;
        if (entries.empty() || entries.back().label == kNoClass) {
            m_listing.classes.clear();
            return;
        }
        const auto first = std::ranges::find_if(
            entries, [](const Entry& entry) { return entry.label != kNoClass; });
        const auto beside = first - entries.begin();
        m_beside += static_cast<Index>(beside);
        entries.erase(entries.begin(), first);
        if (!m_looks.empty()) {
            m_looks.erase(m_looks.begin(), m_looks.begin() + beside);
        }
    }

    void tell(Index others, const std::string& example)
    {
        std::vector<std::string> parts;
        if (m_listing.hidden > 0) {
            parts.push_back(fmt::format("{} hidden", m_listing.hidden));
        }
        if (others > 0) {
            parts.push_back(fmt::format("{} neither PNG nor JPEG (first: '{}')", others, example));
        }
        if (m_beside > 0) {
            parts.push_back(fmt::format("{} beside the class folders", m_beside));
        }
        const Index all = m_listing.hidden + others + m_beside;
        if (all > 0) {
            m_warnings.push_back({"files_left_out",
                                  fmt::format("{} file{} left out: {}.", all,
                                              all == 1 ? " was" : "s were", join(parts, ", ")),
                                  m_recipe.source});
        }
        std::vector<bool> seen(m_listing.classes.size());
        for (const Entry& entry : m_listing.entries) {
            if (entry.label != kNoClass) {
                seen[static_cast<std::size_t>(entry.label)] = true;
            }
        }
        for (std::size_t i = 0; i < seen.size() && !m_context.glance; ++i) {
            if (!seen[i]) {
                m_warnings.push_back(
                    {"empty_class",
                     "The class folder '" + m_listing.classes[i] + "' holds no image.",
                     m_recipe.source});
            }
        }
    }

    Result<RawData> decode()
    {
        const std::vector<Entry>& entries = m_listing.entries;
        const auto count = static_cast<Index>(entries.size());
        auto rows = m_context.glance ? RowRange{0, count} : rowsOf(m_recipe, count);
        if (!rows) {
            return fail(std::move(rows).error());
        }
        const auto first = static_cast<std::size_t>(rows->first);
        ImageList images;
        std::vector<ImageInfo> heads; // of the whole folder: its part has the same channels
        for (const Look& look : m_looks) {
            if (!look.damage) {
                heads.push_back(look.info);
            }
        }
        for (std::size_t i = first; i < first + static_cast<std::size_t>(rows->count); ++i) {
            if (m_looks[i].damage) {
                return fail(Error(*m_looks[i].damage));
            }
            images.infos.push_back(m_looks[i].info);
        }
        std::vector<std::string> sums(images.infos.size());
        images.name = [&](std::size_t i) { return pathOf(first + i); };
        images.read = [&](std::size_t i) -> Result<std::string> {
            auto bytes = readFile(pathOf(first + i), kMaxImageBytes);
            if (bytes && !m_context.glance) {
                sums[i] = sha256(*bytes);
            }
            return bytes;
        };
        RawData raw;
        raw.warnings = std::move(m_warnings);
        auto array =
            decodeImages(images, channelsFor(m_recipe, heads), m_recipe, m_context, raw.warnings);
        if (!array) {
            return fail(std::move(array).error());
        }
        raw.inputs.emplace_back("x", std::move(*array));
        raw.picked = true;
        raw.fixedLayout = true;
        raw.total = m_context.glance ? m_total : count;
        raw.allLabels = std::move(m_allLabels);
        raw.classNames = m_listing.classes;
        for (std::size_t i = first; !raw.classNames.empty() && i < first + sums.size(); ++i) {
            raw.labels.push_back(entries[i].label);
        }
        raw.sha256 = m_context.glance ? "" : digest(sums);
        return raw;
    }

    /// Of all names and sizes in the folder, and of the content of the images that were read.
    [[nodiscard]] std::string digest(const std::vector<std::string>& sums) const
    {
        std::string text;
        for (const Entry& entry : m_listing.entries) {
            text += fmt::format("{}\n{}\n", entry.path(), entry.bytes);
        }
        return sha256(text + join(sums, "\n"));
    }

    std::string m_root;
    const DataRecipe& m_recipe;
    const ReadContext& m_context;
    Listing m_listing;
    std::vector<Look> m_looks;
    std::vector<std::int64_t> m_allLabels;
    Index m_total = 0;
    Index m_beside = 0;
    Warnings m_warnings;
};

} // namespace

bool isImageFolder(const SourceText& /*source*/)
{
    return true; // the last of the kinds of folders
}

Result<RawData> readImageFolder(const SourceText& source, const DataRecipe& recipe,
                                const ReadContext& context)
{
    return FolderReader(source, recipe, context).read();
}

} // namespace bitscape::io
