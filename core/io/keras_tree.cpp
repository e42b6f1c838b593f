// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_tree.h"

#include "core/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

namespace bitscape::io {

namespace {

struct TreeNode {
    std::string name;
    std::string title; ///< the layer's own name, where the writer says it
    std::vector<StoredWeight> weights;
    std::vector<TreeNode> children;

    TreeNode& child(const std::string& wanted)
    {
        const auto found = std::ranges::find(children, wanted, &TreeNode::name);
        return found == children.end() ? children.emplace_back(TreeNode{wanted, {}, {}, {}})
                                       : *found;
    }
    TreeNode* find(std::string_view wanted)
    {
        const auto found = std::ranges::find(children, wanted, &TreeNode::name);
        return found == children.end() ? nullptr : &*found;
    }
    [[nodiscard]] bool holdsWeights() const
    {
        return !weights.empty() || std::ranges::any_of(children, [](const TreeNode& child) {
            return !child.name.ends_with("seed_generator") && child.holdsWeights();
        });
    }
};

TreeNode treeOf(std::vector<StoredGroup> groups)
{
    TreeNode root;
    for (StoredGroup& group : groups) {
        TreeNode* node = &root;
        for (const std::string& part : split(group.path, '/')) {
            node = part.empty() ? node : &node->child(part);
        }
        node->title = std::move(group.title);
        node->weights.insert(node->weights.end(), std::make_move_iterator(group.weights.begin()),
                             std::make_move_iterator(group.weights.end()));
    }
    return root;
}

/// Attributes of a layer whose weights are its own, in the order of get_weights(); the rest are
/// random states, quantizers and metrics.
constexpr std::array<std::string_view, 9> kInside{"layer",          "cell",         "forward_layer",
                                                  "backward_layer", "query_dense",  "key_dense",
                                                  "value_dense",    "output_dense", "batchnorm"};

std::string_view publicName(std::string_view attribute)
{
    return attribute.substr(std::min(attribute.find_first_not_of('_'), attribute.size()));
}

void appendInside(TreeNode& node, const std::string& prefix, std::vector<StoredWeight>& weights)
{
    for (StoredWeight& weight : node.weights) {
        weight.name = prefix + weight.name;
        weights.push_back(std::move(weight));
    }
    for (const std::string_view inside : kInside) {
        for (TreeNode& child : node.children) {
            if (publicName(child.name) == inside) {
                appendInside(child, prefix + child.name + "/", weights);
            }
        }
    }
}

/// The number behind "dense_12"; 0 for "dense"; −1 for another class.
std::int64_t countOf(std::string_view group, std::string_view snake)
{
    if (group == snake) {
        return 0;
    }
    if (!group.starts_with(snake) || group.size() < snake.size() + 2 ||
        group[snake.size()] != '_') {
        return -1;
    }
    const std::string_view digits = group.substr(snake.size() + 1);
    std::int64_t number = -1;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return read.ptr == digits.data() + digits.size() ? number : -1;
}

class Matcher {
public:
    Matcher(const WantsWeights& wants, const AttachWeights& attach)
        : m_wants(wants), m_attach(attach)
    {
    }

    Result<void> model(TreeNode& node, const std::vector<KerasUnit>& units)
    {
        TreeNode* container = node.find("layers");
        if (container == nullptr) {
            container = node.find("_layer_checkpoint_dependencies"); // Keras 2.12 to 2.14
        }
        TreeNode none;
        return layers(container == nullptr ? none : *container, units);
    }

private:
    [[nodiscard]] bool wants(const KerasUnit& unit) const
    {
        return unit.layer >= 0 ? m_wants(unit)
                               : std::ranges::any_of(
                                     unit.inner, [this](const KerasUnit& u) { return wants(u); });
    }

    Result<void> layers(TreeNode& container, const std::vector<KerasUnit>& units)
    {
        std::map<std::string, std::vector<const KerasUnit*>, std::less<>> byClass;
        for (const KerasUnit& unit : units) {
            byClass[snakeCase(unit.className)].push_back(&unit);
        }
        for (const auto& [snake, own] : byClass) {
            if (auto ok = ofClass(container, snake, own); !ok) {
                return ok;
            }
        }
        return {};
    }

    Result<void> ofClass(TreeNode& container, const std::string& snake,
                         const std::vector<const KerasUnit*>& units)
    {
        std::vector<std::pair<std::int64_t, TreeNode*>> nodes;
        for (TreeNode& node : container.children) {
            const std::int64_t count = countOf(node.name, snake);
            if (count >= 0 && node.holdsWeights()) {
                nodes.emplace_back(count, &node);
            }
        }
        std::ranges::sort(nodes);
        std::vector<const KerasUnit*> wanting;
        std::ranges::copy_if(units, std::back_inserter(wanting),
                             [this](const KerasUnit* unit) { return wants(*unit); });
        const auto titled = [&](const KerasUnit* unit) {
            return std::ranges::find(nodes, unit->name,
                                     [](const auto& entry) { return entry.second->title; });
        };
        const bool byTitle =
            !wanting.empty() && std::ranges::all_of(wanting, [&](const KerasUnit* u) {
                return titled(u) != nodes.end();
            });
        // Counts of one class ascend with the layers, whatever the writer counted besides.
        const bool inOrder = wanting.size() == nodes.size();
        for (std::size_t i = 0; i < units.size(); ++i) {
            const KerasUnit& unit = *units[i];
            const auto place = std::ranges::find(wanting, &unit);
            auto found = nodes.end();
            if (byTitle) {
                found = titled(&unit);
            } else if (inOrder && place != wanting.end()) {
                found = nodes.begin() + (place - wanting.begin());
            } else if (!inOrder) {
                found = std::ranges::find(nodes, static_cast<std::int64_t>(i),
                                          [](const auto& entry) { return entry.first; });
            }
            if (found == nodes.end()) {
                if (place != wanting.end()) {
                    return fail(ErrorCode::CorruptFile,
                                fmt::format("The file holds no weights of it: {} groups of its "
                                            "class, {} layers.",
                                            nodes.size(), wanting.size()),
                                "layer " + unit.name);
                }
                continue;
            }
            if (auto ok = one(*found->second, unit); !ok) {
                return ok;
            }
        }
        return {};
    }

    Result<void> one(TreeNode& node, const KerasUnit& unit)
    {
        if (unit.layer < 0) {
            TreeNode* wrapped = unit.isWrapped ? node.find("layer") : &node;
            return wrapped == nullptr ? Result<void>() : model(*wrapped, unit.inner);
        }
        std::vector<StoredWeight> weights;
        appendInside(node, {}, weights);
        return m_attach(unit, std::move(weights));
    }

    const WantsWeights& m_wants;
    const AttachWeights& m_attach;
};

bool isUpper(char c)
{
    return c >= 'A' && c <= 'Z';
}
bool isLower(char c)
{
    return c >= 'a' && c <= 'z';
}

} // namespace

std::string snakeCase(std::string_view className)
{
    std::string words;
    for (const char c : className) {
        if (isUpper(c) || isLower(c) || (c >= '0' && c <= '9') || c == '_') {
            words += c;
        }
    }
    // Two passes as Keras makes them: before a capital with small letters, after a small letter.
    std::string parted;
    std::size_t last = 0; // a character is the end of one match or the start of the next, not both
    for (std::size_t i = 0; i < words.size(); ++i) {
        const bool starts =
            i > last && isUpper(words[i]) && i + 1 < words.size() && isLower(words[i + 1]);
        if (starts) {
            parted += '_';
            last = i + 1;
            while (last < words.size() && isLower(words[last])) {
                ++last;
            }
        }
        parted += words[i];
    }
    std::string snake;
    for (std::size_t i = 0; i < parted.size(); ++i) {
        const char c = parted[i];
        if (isUpper(c) && i > 0 && isLower(parted[i - 1])) {
            snake += '_';
        }
        snake += isUpper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return snake;
}

Result<void> matchTree(std::vector<StoredGroup> groups, const std::vector<KerasUnit>& units,
                       const WantsWeights& wants, const AttachWeights& attach)
{
    TreeNode root = treeOf(std::move(groups));
    return Matcher(wants, attach).model(root, units);
}

} // namespace bitscape::io
