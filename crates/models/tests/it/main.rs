//! The models on real data against published results, and on simulated data whose truth is known. Most real data is not part of the repository: without it a test
//! says that it is skipped.

mod bounds;
mod draws;
mod given;
mod real_activities;
mod real_attribution;
mod real_bandits;
mod real_baskets;
mod real_buying;
mod real_experiments;
mod real_groups;
mod real_learning;
mod real_recommendations;
mod real_recommenders;
mod real_structural;
mod real_surveys;
mod real_survival;
mod real_uplift;
mod simulated_buying;
mod simulated_experiments;
mod simulated_forecast;
mod simulated_groups;
mod simulated_structural;
mod simulated_survival;
mod simulated_uplift;
