using System;
using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>
    /// RCC of the STM32L4 and L4+ (RM0351 and RM0432, chapter 6): oscillators with their start-up times, the three
    /// PLLs, the switch of the system clock, the bus dividers and the kernel clocks of peripherals. The core's rate,
    /// SysTick and Renode's timers follow. Stop modes leave HSI or MSI running, as STOPWUCK says. CSR tells a reset by
    /// the independent watchdog from one by software. Bus clock enables and peripheral resets are kept as written and
    /// have no effect; clock security and interrupts of ready oscillators are not modelled.
    /// </summary>
    public class L4Rcc : TimedRegisters, IClockTree
    {
        public L4Rcc(IMachine machine, CoreClock core, uint hsiHz = 16000000, uint hseHz = 8000000,
            uint lseHz = 32768, uint lsiHz = 32000, uint hsi48Hz = 48000000, uint hsiStartupNs = 0,
            uint hseStartupNs = 0, uint lseStartupNs = 0, uint lsiStartupNs = 0, uint msiStartupNs = 0,
            uint pllStartupNs = 0, bool ownDividers = false) : base(core)
        {
            this.machine = machine;
            this.ownDividers = ownDividers;
            fixedHz = new Dictionary<string, uint>
            {
                { "hsi", hsiHz }, { "hse", hseHz }, { "lse", lseHz }, { "lsi", lsiHz }, { "hsi48", hsi48Hz },
            };
            oscillators = new[]
            {
                new Oscillator("msi", ClockControl, 0, 1, msiStartupNs),
                new Oscillator("hsi", ClockControl, 8, 10, hsiStartupNs),
                new Oscillator("hse", ClockControl, 16, 17, hseStartupNs),
                new Oscillator("pll", ClockControl, 24, 25, pllStartupNs),
                new Oscillator("pllsai1", ClockControl, 26, 27, pllStartupNs),
                new Oscillator("pllsai2", ClockControl, 28, 29, pllStartupNs),
                new Oscillator("lse", BackupDomain, 0, 1, lseStartupNs),
                new Oscillator("lsi", ControlStatus, 0, 1, lsiStartupNs),
                new Oscillator("hsi48", Recovery, 0, 1, hsiStartupNs),
            };
            core.DeepSleepEnded += LeaveStop;
            SetResetValues();
        }

        public override void Reset()
        {
            var backupDomain = this[BackupDomain];
            // Flags of earlier resets stay until firmware removes them; every reset pulls the pin NRST as well.
            var flags = this[ControlStatus] & ResetFlags | PinReset | cause;
            cause = SoftwareReset;
            base.Reset();
            SetResetValues();
            this[BackupDomain] = backupDomain;
            this[ControlStatus] = this[ControlStatus] & ~ResetFlags | flags;
        }

        /// <summary>Says whose flag in CSR the next reset sets; without a word it is that of software.</summary>
        public void NoteReset(uint flag)
        {
            cause = flag;
        }

        public override uint ReadDoubleWord(long offset)
        {
            // A deep sleep that has just ended has changed the registers.
            Core.Look();
            LetPollsPass(offset);
            return base.ReadDoubleWord(offset);
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            Core.Look();
            polls = 0;
            if(offset == Configuration)
            {
                SwitchClock(value);
                return;
            }
            if(offset == BackupDomain && (value & BackupReset) != 0)
            {
                value = BackupReset;
                this[BackupDomain] = 0;
            }
            var held = offset == ControlStatus ? ResetFlags : 0u;
            foreach(var oscillator in oscillators)
            {
                held |= oscillator.Register == offset ? oscillator.ReadyBit : 0;
            }
            var before = this[offset];
            if(offset == ControlStatus && (value & RemoveResetFlags) != 0)
            {
                before &= ~ResetFlags;
            }
            this[offset] = (value & ~held) | (before & held);
            foreach(var oscillator in oscillators)
            {
                if(oscillator.Register == offset)
                {
                    Turn(oscillator);
                }
            }
            if(offset < FirstPeripheralReset || offset >= KernelClocks)
            {
                Propagate();
            }
        }

        public double KernelHz(string peripheral)
        {
            KernelField field;
            if(!kernelFields.TryGetValue(peripheral, out field))
            {
                return BusHz(peripheral);
            }
            var choice = (this[field.Register] >> field.Shift) & 3;
            if(choice == 0)
            {
                return BusHz(peripheral);
            }
            if(peripheral.StartsWith("lptim"))
            {
                return OscillatorHz(new[] { "", "lsi", "hsi", "lse" }[choice]);
            }
            if(choice == 1)
            {
                return SystemHz;
            }
            return OscillatorHz(choice == 2 || peripheral.StartsWith("i2c") ? "hsi" : "lse");
        }

        public event Action ClocksChanged;

        public const uint WatchdogReset = 1u << 29;

        private double SystemHz => SourceHz((this[Configuration] >> 2) & 3);

        private double CoreHz
        {
            get
            {
                var shifts = new[] { 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 6, 7, 8, 9 };
                return Math.Floor(SystemHz) / (1 << shifts[(this[Configuration] >> 4) & 0xF]);
            }
        }

        private double BusHz(string peripheral)
        {
            var shift = onSecondBus.Contains(peripheral) ? 11 : 8;
            var dividers = new[] { 1, 1, 1, 1, 2, 4, 8, 16 };
            return CoreHz / dividers[(this[Configuration] >> shift) & 7];
        }

        /// <summary>
        /// A loop that waits for an oscillator reads the same flag for seconds. Once it is seen to be one, time passes
        /// in steps instead of instructions.
        /// </summary>
        private void LetPollsPass(long offset)
        {
            polls = offset == polled ? polls + 1 : 0;
            polled = offset;
            if(polls < PollsOfALoop)
            {
                return;
            }
            foreach(var oscillator in oscillators)
            {
                var dueNs = oscillator.Register == offset ? Core.DueNs(this, oscillator.Name) : double.NaN;
                if(dueNs - Core.NowNs > PollStepNs)
                {
                    Core.Wait(PollStepNs);
                    return;
                }
            }
        }

        private void SetResetValues()
        {
            this[ClockControl] = 0x63;
            this[0x0C] = 0x1000;
            this[0x10] = 0x1000;
            this[0x14] = 0x1000;
            this[BusEnables] = 0x100;
            this[ControlStatus] = 0x0C000600;
        }

        private void SwitchClock(uint value)
        {
            var wanted = value & 3;
            var status = (this[Configuration] >> 2) & 3;
            if(SourceHz(wanted) > 0)
            {
                status = wanted;
            }
            else
            {
                this.Log(LogLevel.Warning, "system clock switched to a source that is not ready");
            }
            this[Configuration] = (value & ~0xCu) | status << 2;
            Propagate();
        }

        private void Turn(Oscillator oscillator)
        {
            var isOn = Has(oscillator.Register, oscillator.EnableBit);
            if(!isOn)
            {
                this[oscillator.Register] &= ~oscillator.ReadyBit;
                Cancel(oscillator.Name);
            }
            else if(!Has(oscillator.Register, oscillator.ReadyBit) && !Core.IsPlanned(this, oscillator.Name))
            {
                After(oscillator.Name, oscillator.StartupNs, () => MakeReady(oscillator));
            }
        }

        private void MakeReady(Oscillator oscillator)
        {
            this[oscillator.Register] |= oscillator.ReadyBit;
            Propagate();
        }

        private void LeaveStop()
        {
            if(!Core.DeepSleepMode.StartsWith("stop"))
            {
                return;
            }
            var useHsi = Has(Configuration, WakeWithHsi);
            foreach(var oscillator in oscillators)
            {
                if(oscillator.Name != "lse" && oscillator.Name != "lsi")
                {
                    this[oscillator.Register] &= ~(oscillator.EnableBit | oscillator.ReadyBit);
                    Cancel(oscillator.Name);
                }
            }
            this[ClockControl] |= useHsi ? 0x500u : 3u;
            this[Configuration] = (this[Configuration] & ~0xFu) | (useHsi ? 5u : 0u);
            Propagate();
        }

        private void Propagate()
        {
            Core.SetClock((uint)CoreHz);
            ClocksChanged?.Invoke();
            PaceTimers();
        }

        /// <summary>Renode's timers have a clock of their own: twice that of a divided bus (RM0432, 6.2.15).</summary>
        private void PaceTimers()
        {
            timers = timers ?? new List<STM32_Timer>(machine.GetPeripheralsOfType<STM32_Timer>());
            foreach(var timer in timers)
            {
                string name;
                var hz = machine.TryGetLocalName(timer, out name) ? (ulong)Math.Min(CoreHz, 2 * BusHz(name)) : 0;
                if(hz > 0 && timer.Frequency != hz)
                {
                    timer.Frequency = hz;
                }
            }
        }

        private double SourceHz(uint source)
        {
            var name = new[] { "msi", "hsi", "hse", "pll" }[source];
            return name == "pll" ? PllHz(0x0C) : OscillatorHz(name);
        }

        private double OscillatorHz(string name)
        {
            var oscillator = Array.Find(oscillators, one => one.Name == name);
            if(!Has(oscillator.Register, oscillator.ReadyBit))
            {
                return 0;
            }
            return name == "msi" ? MsiHz : fixedHz[name];
        }

        private double MsiHz
        {
            get
            {
                var range = Has(ClockControl, 8) ? this[ClockControl] >> 4 & 0xF : this[ControlStatus] >> 8 & 0xF;
                return msiRangesKhz[Math.Min(range, 11)] * 1e3;
            }
        }

        /// <summary>The output R of a PLL: source / M x N / (2, 4, 6 or 8).</summary>
        private double PllHz(long register)
        {
            var config = this[register];
            if(!Has(ClockControl, 1u << 25) || (config & 1 << 24) == 0)
            {
                return 0;
            }
            var source = this[0x0C] & 3;
            var inputHz = source == 0 ? 0 : OscillatorHz(new[] { "", "msi", "hsi", "hse" }[source]);
            var m = (((ownDividers ? config : this[0x0C]) >> 4) & 0xF) + 1;
            return inputHz / m * ((config >> 8) & 0x7F) / (2 * (((config >> 25) & 3) + 1));
        }

        private List<STM32_Timer> timers;
        private uint cause = SoftwareReset;
        private long polled = -1;
        private readonly IMachine machine;
        private int polls;
        private readonly bool ownDividers;
        private readonly Dictionary<string, uint> fixedHz;
        private readonly Oscillator[] oscillators;

        private static readonly uint[] msiRangesKhz = { 100, 200, 400, 800, 1000, 2000, 4000, 8000, 16000, 24000, 32000, 48000 };

        private static readonly HashSet<string> onSecondBus = new HashSet<string> { "usart1", "spi1", "tim1", "tim8", "tim15", "tim16", "tim17" };

        private static readonly Dictionary<string, KernelField> kernelFields = new Dictionary<string, KernelField>
        {
            { "usart1", new KernelField(KernelClocks, 0) }, { "usart2", new KernelField(KernelClocks, 2) },
            { "usart3", new KernelField(KernelClocks, 4) }, { "uart4", new KernelField(KernelClocks, 6) },
            { "uart5", new KernelField(KernelClocks, 8) }, { "lpuart1", new KernelField(KernelClocks, 10) },
            { "i2c1", new KernelField(KernelClocks, 12) }, { "i2c2", new KernelField(KernelClocks, 14) },
            { "i2c3", new KernelField(KernelClocks, 16) }, { "i2c4", new KernelField(MoreKernelClocks, 0) },
            { "lptim1", new KernelField(KernelClocks, 18) }, { "lptim2", new KernelField(KernelClocks, 20) },
        };

        private const int PollsOfALoop = 64;
        private const double PollStepNs = 1e6;
        private const long ClockControl = 0x00;
        private const long Configuration = 0x08;
        private const long FirstPeripheralReset = 0x28;
        private const long BusEnables = 0x48;
        private const long KernelClocks = 0x88;
        private const long BackupDomain = 0x90;
        private const long ControlStatus = 0x94;
        private const long Recovery = 0x98;
        private const long MoreKernelClocks = 0x9C;
        private const uint BackupReset = 1u << 16;
        private const uint RemoveResetFlags = 1u << 23;
        private const uint ResetFlags = 0xFFu << 24;
        private const uint PinReset = 1u << 26;
        private const uint SoftwareReset = 1u << 28;
        private const uint WakeWithHsi = 1u << 15;

        private struct KernelField
        {
            public KernelField(long register, int shift)
            {
                Register = register;
                Shift = shift;
            }

            public readonly long Register;
            public readonly int Shift;
        }

        private class Oscillator
        {
            public Oscillator(string name, long register, int enable, int ready, uint startupNs)
            {
                Name = name;
                Register = register;
                EnableBit = 1u << enable;
                ReadyBit = 1u << ready;
                StartupNs = startupNs;
            }

            public readonly string Name;
            public readonly long Register;
            public readonly uint EnableBit;
            public readonly uint ReadyBit;
            public readonly uint StartupNs;
        }
    }
}
