using System;
using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Exceptions;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.IRQControllers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>
    /// The pace of a Cortex-M core: its clock, how many instructions a second it executes at that clock, what time it
    /// spends running, asleep and in deep sleep, and events in virtual time for the peripherals around it.
    ///
    /// Renode lets a core execute a whole number of million instructions a second. The rate of a firmware at a clock,
    /// as a cycle model gives it, is set with SetRate; what is lost by rounding is waited out a microsecond at a time.
    /// Renode changes a rate only between two rounds of execution, so the store that sets a clock ends one and is then
    /// repeated. Time asleep is time in which no instruction was executed, but for a branch to itself; its kind is read
    /// off SLEEPDEEP and the power control. Its place on the bus is that of the cycle counter.
    /// </summary>
    public class CoreClock : IDoubleWordPeripheral, IKnownSize
    {
        public CoreClock(IMachine machine, TranslationCPU cpu, NVIC nvic, uint resetHz, uint stopWakeupNs = 0)
        {
            this.machine = machine;
            this.cpu = cpu;
            this.nvic = nvic;
            this.resetHz = resetHz;
            this.stopWakeupNs = stopWakeupNs;
            clockHz = resetHz;
            DeepSleepMode = "stop";
            counter = new CycleCounter(this);
            Pace();
            cpu.AddHookAtInterruptBegin(_ => TakeInterrupt());
        }

        public void Reset()
        {
            Look();
            clockHz = resetHz;
            sleepsDeep = false;
            counter.Reset();
            Pace();
        }

        public uint ReadDoubleWord(long offset)
        {
            return counter.Read(offset);
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            counter.Write(offset, value);
        }

        public long Size => 0x1000;

        /// <summary>Sets how fast the firmware executes at a core clock.</summary>
        public void SetRate(uint clockHz, uint instructionsPerSecond)
        {
            if(clockHz == 0 || instructionsPerSecond == 0)
            {
                throw new RecoverableException("SetRate: clock and instructions per second must be positive");
            }
            rates[clockHz] = instructionsPerSecond;
            Pace();
        }

        /// <summary>Lets the core run at another clock from now on.</summary>
        public void SetClock(uint hz)
        {
            if(hz == 0 || hz == clockHz)
            {
                return;
            }
            Look();
            clockHz = hz;
            Pace();
            Changed?.Invoke();
            // The new rate holds from the next round on; this ends the round, and repeats the store that brought us here.
            cpu.RequestTranslationBlockRestart(quiet: true);
        }

        /// <summary>Resets the chip where Renode's time sources meet next; what is executed until then is booked.</summary>
        public void RequestReset()
        {
            machine.LocalTimeSource.ExecuteInNearestSyncedState(_ => Look());
            machine.RequestReset();
        }

        /// <summary>Books the time since the last look.</summary>
        public void Look()
        {
            if(isLooking)
            {
                return;
            }
            isLooking = true;
            try
            {
                BookTime();
            }
            finally
            {
                isLooking = false;
            }
        }

        /// <summary>Calls `action` at a time; what was planned under the same key is forgotten.</summary>
        public void At(object owner, string slot, double dueNs, Action action)
        {
            var key = Tuple.Create(owner, slot);
            var plan = new Plan { DueNs = dueNs, Action = action };
            plans[key] = plan;
            var delayNs = Math.Max(0, Math.Ceiling(dueNs - SyncedNs() - 1e-6));
            machine.ScheduleAction(TimeInterval.FromNanoseconds((ulong)delayNs), _ => Fire(key, plan));
        }

        public void After(object owner, string slot, double delayNs, Action action)
        {
            At(owner, slot, NowNs + delayNs, action);
        }

        public void Cancel(object owner, string slot)
        {
            plans.Remove(Tuple.Create(owner, slot));
        }

        /// <summary>Returns when something is due; not a number while nothing is planned.</summary>
        public double DueNs(object owner, string slot)
        {
            Plan plan;
            return plans.TryGetValue(Tuple.Create(owner, slot), out plan) ? plan.DueNs : double.NaN;
        }

        public bool IsPlanned(object owner, string slot)
        {
            return plans.ContainsKey(Tuple.Create(owner, slot));
        }

        /// <summary>Virtual time; within an event the time at which it was due.</summary>
        public double NowNs
        {
            get
            {
                if(dueNs >= 0)
                {
                    return dueNs;
                }
                // What has been executed since the last look owes time; what is being waited out has not passed yet.
                Look();
                return SyncedNs() + owedNs + cpu.SkipInstructions * 1e3 / cpu.PerformanceInMips;
            }
        }

        /// <summary>Lets running time pass without instructions, to the next whole microsecond that has come.</summary>
        public void Wait(double waitNs)
        {
            toWaitNs += waitNs;
            Look();
        }

        public uint ClockHz => clockHz;

        /// <summary>Core cycles executed, sleep excluded.</summary>
        public double Cycles
        {
            get
            {
                Look();
                return cycles;
            }
        }

        public ulong ProgramCounter => cpu.PC.RawValue;

        /// <summary>Number of the fault exception whose handler is running, 2 (NMI) to 6 (UsageFault); 0 for none.</summary>
        public uint ActiveFault
        {
            get
            {
                var exception = (uint)cpu.GetRegister(ProgramStatus).RawValue & 0x1FF;
                return exception >= 2 && exception <= 6 ? exception : 0;
            }
        }

        public ulong Instructions
        {
            get
            {
                Look();
                return instructionsBefore + lastInstructions;
            }
        }

        public double RunMicroseconds
        {
            get
            {
                Look();
                return runNs / 1e3;
            }
        }

        public double AsleepMicroseconds
        {
            get
            {
                Look();
                return asleepNs / 1e3;
            }
        }

        public double DutyCyclePercent => 100 * RunMicroseconds / Math.Max(RunMicroseconds + AsleepMicroseconds, 1e-9);

        /// <summary>What WFI with SLEEPDEEP enters, such as "stop2"; the power control sets it.</summary>
        public string DeepSleepMode { get; set; }

        /// <summary>The core clock has changed.</summary>
        public event Action Changed;

        /// <summary>A deep sleep has ended: the clock tree is as such a sleep leaves it.</summary>
        public event Action DeepSleepEnded;

        /// <summary>A stretch of time in one mode: its name, the core clock (0 in deep sleep), begin and end.</summary>
        public event Action<string, uint, double, double> Spent;

        private void BookTime()
        {
            var nowNs = SyncedNs();
            var instructions = cpu.ExecutedInstructions;
            var skipped = cpu.SkippedInstructions;
            if(instructions < lastInstructions)
            {
                // A reset of the core sets its count back.
                instructionsBefore += lastInstructions;
                lastInstructions = 0;
            }
            var executed = instructions - lastInstructions;
            var mips = cpu.PerformanceInMips;
            var waitedNs = (skipped - lastSkipped) * 1e3 / mips;
            var elapsedNs = nowNs - lastNs;
            var ranNs = Math.Min(executed * 1e3 / mips + waitedNs, elapsedNs);
            if(elapsedNs - ranNs >= ShortestSleepNs && IsTurning())
            {
                cycles += (elapsedNs - ranNs) * clockHz / 1e9;
                ranNs = elapsedNs;
            }
            lastInstructions = instructions;
            lastSkipped = skipped;
            lastNs = nowNs;
            cycles += (executed * 1e9 / instructionsPerSecond + waitedForNs) * clockHz / 1e9;
            waitedForNs = 0;
            owedNs += executed * (1e9 / instructionsPerSecond - 1e3 / mips);
            if(executed > 0)
            {
                WakeUp();
            }
            var sleptNs = Slept(elapsedNs, ranNs);
            Book(nowNs, elapsedNs - sleptNs, sleptNs);
            PayBack();
        }

        /// <summary>
        /// Rounds of execution are granted in whole steps of time: what is left of one, below a microsecond, is no sleep
        /// of its own and belongs to the next.
        /// </summary>
        private double Slept(double elapsedNs, double ranNs)
        {
            var sleptNs = elapsedNs - ranNs;
            if(sleptNs < ShortestSleepNs)
            {
                strayNs += sleptNs;
                return 0;
            }
            var backNs = Math.Min(strayNs, ranNs);
            strayNs -= backNs;
            return sleptNs + backNs;
        }

        /// <summary>Renode lets a branch to itself wait as WFI does, but the core turns there at full clock.</summary>
        private bool IsTurning()
        {
            return machine.SystemBus.ReadWord(cpu.PC.RawValue & ~1ul) == BranchToItself;
        }

        private void Book(double nowNs, double ranNs, double sleptNs)
        {
            runNs += ranNs;
            asleepNs += sleptNs;
            var isDeep = sleptNs > 0 && nvic.DeepSleepEnabled;
            if(ranNs > 0)
            {
                Spent?.Invoke("run", clockHz, nowNs - sleptNs - ranNs, nowNs - sleptNs);
            }
            if(sleptNs > 0)
            {
                Spent?.Invoke(isDeep ? DeepSleepMode : "sleep", isDeep ? 0 : clockHz, nowNs - sleptNs, nowNs);
            }
            sleepsDeep |= isDeep;
        }

        private void TakeInterrupt()
        {
            Look();
            WakeUp();
        }

        /// <summary>The core executes again: a look alone may be in the middle of a sleep.</summary>
        private void WakeUp()
        {
            if(!sleepsDeep)
            {
                return;
            }
            sleepsDeep = false;
            toWaitNs += stopWakeupNs;
            DeepSleepEnded?.Invoke();
            PayBack();
        }

        /// <summary>Waits out what is owed, in whole microseconds, as running time.</summary>
        private void PayBack()
        {
            var wholeUs = Math.Floor((owedNs + toWaitNs) / 1e3);
            if(wholeUs < 1 || !cpu.OnPossessedThread)
            {
                return;
            }
            waitedForNs += toWaitNs;
            owedNs += toWaitNs - wholeUs * 1e3;
            toWaitNs = 0;
            cpu.SkipTime(TimeInterval.FromMicroseconds((ulong)wholeUs));
        }

        private void Pace()
        {
            nvic.Frequency = clockHz;
            if(!rates.TryGetValue(clockHz, out instructionsPerSecond))
            {
                instructionsPerSecond = clockHz;
            }
            cpu.PerformanceInMips = (uint)Math.Max(1, Math.Ceiling(instructionsPerSecond / 1e6));
            if(!isCollecting && instructionsPerSecond % 1000000 != 0)
            {
                isCollecting = true;
                Collect();
            }
        }

        /// <summary>
        /// Sees to it that a loop that touches no register pays what it owes; a core that sleeps owes nothing.
        /// </summary>
        private void Collect()
        {
            var executed = cpu.ExecutedInstructions;
            if(executed != collectedInstructions)
            {
                collectedInstructions = executed;
                Look();
            }
            machine.ScheduleAction(TimeInterval.FromNanoseconds(CollectionNs), _ => Collect());
        }

        private double SyncedNs()
        {
            if(dueNs < 0 && cpu.OnPossessedThread)
            {
                cpu.SyncTime();
            }
            return machine.ClockSource.CurrentValue.TotalNanoseconds;
        }

        private void Fire(Tuple<object, string> key, Plan plan)
        {
            Plan current;
            if(!plans.TryGetValue(key, out current) || current != plan)
            {
                return;
            }
            plans.Remove(key);
            Look();
            dueNs = plan.DueNs;
            try
            {
                plan.Action();
            }
            finally
            {
                dueNs = -1;
            }
        }

        private uint clockHz;
        private uint instructionsPerSecond;
        private double dueNs = -1;
        private double lastNs;
        private double owedNs;
        private double strayNs;
        private double toWaitNs;
        private double waitedForNs;
        private double runNs;
        private double asleepNs;
        private double cycles;
        private ulong lastInstructions;
        private ulong instructionsBefore;
        private ulong lastSkipped;
        private ulong collectedInstructions;
        private bool isCollecting;
        private bool isLooking;
        private bool sleepsDeep;
        private readonly CycleCounter counter;
        private readonly uint resetHz;
        private readonly uint stopWakeupNs;
        private readonly IMachine machine;
        private readonly TranslationCPU cpu;
        private readonly NVIC nvic;
        private readonly Dictionary<uint, uint> rates = new Dictionary<uint, uint>();
        private readonly Dictionary<Tuple<object, string>, Plan> plans = new Dictionary<Tuple<object, string>, Plan>();

        private const double ShortestSleepNs = 1e3;
        private const ushort BranchToItself = 0xE7FE;
        /// <summary>How often what is owed is asked for.</summary>
        private const ulong CollectionNs = 10000000;
        /// <summary>Renode's number of the program status register.</summary>
        private const int ProgramStatus = 25;

        private class Plan
        {
            public double DueNs;
            public Action Action;
        }
    }
}
