// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::project::tests {

/// What is wrong with the nesting, quoting or entities of an XML (or, with void elements, HTML)
/// text; empty if nothing. No full parser: attributes are checked for quotes only.
inline std::string xmlFault(std::string_view text, const std::set<std::string_view>& voids = {})
{
    std::vector<std::string> open;
    std::size_t at = 0;
    const auto near = [&](std::size_t place) {
        return " near \"" + std::string(text.substr(place, 60)) + "\"";
    };
    while (at < text.size()) {
        if (text[at] == '&') {
            const std::size_t end = text.find(';', at);
            if (end == std::string_view::npos || end - at > 8) {
                return "a bare ampersand" + near(at);
            }
        }
        if (text[at] != '<') {
            ++at;
            continue;
        }
        if (text.substr(at, 2) == "<!") {
            at = text.find('>', at) + 1;
            continue;
        }
        std::size_t end = at;
        char quote = 0;
        while (++end < text.size() && (quote != 0 || text[end] != '>')) {
            if (quote == 0 && (text[end] == '"' || text[end] == '\'')) {
                quote = text[end];
            } else if (text[end] == quote) {
                quote = 0;
            } else if (text[end] == '<') {
                return "a '<' inside a tag" + near(at);
            }
        }
        if (end >= text.size()) {
            return "a tag without end" + near(at);
        }
        const bool isClosing = text[at + 1] == '/';
        const std::size_t first = at + (isClosing ? 2 : 1);
        const std::size_t last = text.find_first_of(" \n/>", first);
        const std::string_view name = text.substr(first, last - first);
        if (isClosing) {
            if (open.empty() || open.back() != name) {
                return "an end of " + std::string(name) + " that was not open" + near(at);
            }
            open.pop_back();
        } else if (text[end - 1] != '/' && !voids.contains(name)) {
            open.emplace_back(name);
        }
        at = end + 1;
        if (!isClosing && (name == "style" || name == "script")) {
            at = text.find("</" + std::string(name), at);
        }
    }
    return open.empty() ? "" : open.back() + " is not closed";
}

} // namespace bitscape::project::tests
