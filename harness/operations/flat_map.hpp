// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

namespace tb::harness {

/// A map of few entries in one vector, sorted by key. Operations use it because they also run in a kernel,
/// where std::map's compiled part is not.
template <class Key, class T>
class FlatMap {
  public:
    using Entry = std::pair<Key, T>;
    using Entries = std::vector<Entry>;

    FlatMap() = default;
    /// Of entries with one key the first counts.
    FlatMap(std::initializer_list<Entry> entries) {
        for (const Entry& entry : entries) emplace(entry.first, entry.second);
    }

    auto begin() { return entries_.begin(); }
    auto end() { return entries_.end(); }
    auto begin() const { return entries_.begin(); }
    auto end() const { return entries_.end(); }
    std::size_t size() const { return entries_.size(); }
    bool empty() const { return entries_.empty(); }
    void clear() { entries_.clear(); }

    template <class Like>
    auto find(const Like& key) {
        const auto place = lower_bound(entries_, key);
        return place != entries_.end() && place->first == key ? place : entries_.end();
    }
    template <class Like>
    auto find(const Like& key) const {
        const auto place = lower_bound(entries_, key);
        return place != entries_.end() && place->first == key ? place : entries_.end();
    }
    template <class Like>
    bool contains(const Like& key) const {
        return find(key) != end();
    }

    /// Keeps the entry that there is.
    void emplace(Key key, T value) {
        const auto place = lower_bound(entries_, key);
        if (place == entries_.end() || place->first != key)
            entries_.emplace(place, std::move(key), std::move(value));
    }
    void set(Key key, T value) {
        if (const auto found = find(key); found != entries_.end())
            found->second = std::move(value);
        else
            emplace(std::move(key), std::move(value));
    }
    void erase(typename Entries::iterator entry) { entries_.erase(entry); }

  private:
    template <class List, class Like>
    static auto lower_bound(List& list, const Like& key) {
        return std::lower_bound(list.begin(), list.end(), key,
                                [](const Entry& entry, const Like& wanted) { return entry.first < wanted; });
    }

    Entries entries_;
};

}  // namespace tb::harness
