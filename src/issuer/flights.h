// SPDX-License-Identifier: Apache-2.0
// Calls under way, shared: a thread that asks what another one is asking waits for that answer.
// Thread-safe; blocks.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace valetkey::issuer {

template <class Answer>
class Flights {
 public:
  // What `call` gives, here or where it is under way already; the second is true in that case.
  template <class Call>
  std::pair<Answer, bool> fly(const std::string& key, Call call) {
    std::shared_ptr<Flight> flight;
    {
      std::unique_lock lock(mutex_);
      auto& entry = flights_[key];
      if (entry) {
        flight = entry;
        landed_.wait(lock, [&flight] { return flight->answer.has_value(); });
        return {*flight->answer, true};
      }
      flight = entry = std::make_shared<Flight>();
    }
    Answer answer = call();
    const std::lock_guard lock(mutex_);
    flight->answer = answer;
    flights_.erase(key);
    landed_.notify_all();
    return {std::move(answer), false};
  }

 private:
  struct Flight {
    std::optional<Answer> answer;
  };
  std::mutex mutex_;
  std::condition_variable landed_;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights_;  // shared with waiting threads
};

}  // namespace valetkey::issuer
