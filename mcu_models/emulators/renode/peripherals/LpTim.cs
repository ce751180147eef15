using System;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>
    /// LPTIM of the STM32L4 (RM0351, chapter 33): internal clock, prescaler, continuous and single mode, ARR preloaded
    /// to the end of the period, compare and auto-reload interrupts, a period of ARR + 1 ticks, and writes to ARR and
    /// CMP that are acknowledged some ticks later. Periods are counted in whole ticks from the start, so that none of
    /// them drifts. External inputs, encoder and waveform output are not modelled.
    /// </summary>
    public class LpTim : TimedRegisters
    {
        public LpTim(IMachine machine, CoreClock core, IClockTree clocks) : base(core)
        {
            this.machine = machine;
            this.clocks = clocks;
            IRQ = new GPIO();
            clocks.ClocksChanged += ClockChanged;
            this[AutoReload] = 1;
        }

        public override void Reset()
        {
            base.Reset();
            this[AutoReload] = 1;
            isRunning = false;
            IRQ.Unset();
        }

        public override uint ReadDoubleWord(long offset)
        {
            return offset == Counter ? Counted() : base.ReadDoubleWord(offset);
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            switch(offset)
            {
            case Status:
            case Counter:
                break;
            case Clear:
                Change(0, value);
                break;
            case Control:
                SetControl(value);
                break;
            case AutoReload:
                SetAutoReload(value & 0xFFFF);
                break;
            case Compare:
                this[Compare] = value & 0xFFFF;
                Acknowledge("compare written", CompareWritten);
                PlanCompare();
                break;
            default:
                this[offset] = value;
                Change(0, 0);
                break;
            }
        }

        public GPIO IRQ { get; }

        private double TickHz
        {
            get
            {
                string name;
                return clocks.KernelHz(machine.TryGetLocalName(this, out name) ? name : "") / (1 << (int)((this[Configuration] >> 9) & 7));
            }
        }

        private void Acknowledge(string slot, uint flag)
        {
            var tickHz = TickHz * (1 << (int)((this[Configuration] >> 9) & 7));
            if(tickHz > 0)
            {
                After(slot, WriteTicks * 1e9 / tickHz, () => Change(flag, 0));
            }
        }

        private void SetAutoReload(uint value)
        {
            if(!Has(Control, Enable))
            {
                this.Log(LogLevel.Warning, "ARR written while the timer is disabled; hardware ignores it");
                return;
            }
            this[AutoReload] = value;
            Acknowledge("reload written", ReloadWritten);
            if(!Has(Configuration, Preload) && isRunning)
            {
                activeReload = value;
                PlanReload();
            }
        }

        private void SetControl(uint value)
        {
            this[Control] = value & Enable;
            if((value & Enable) == 0)
            {
                isRunning = false;
                Cancel("reload");
                Cancel("compare");
            }
            else if((value & (StartSingle | StartContinuous)) != 0 && !isRunning)
            {
                isSingle = (value & StartSingle) != 0;
                Start();
            }
        }

        private void Start()
        {
            countedHz = TickHz;
            if(countedHz <= 0)
            {
                this.Log(LogLevel.Warning, "started while its kernel clock is off");
                return;
            }
            isRunning = true;
            startNs = Core.NowNs;
            periodBeginTicks = 0;
            BeginPeriod();
        }

        private void ClockChanged()
        {
            var hz = isRunning ? TickHz : 0;
            if(hz <= 0 || hz == countedHz)
            {
                return;
            }
            var nowNs = Core.NowNs;
            startNs = nowNs - (nowNs - startNs) * countedHz / hz;
            countedHz = hz;
            PlanReload();
            PlanCompare();
        }

        private void BeginPeriod()
        {
            activeReload = this[AutoReload];
            PlanReload();
            PlanCompare();
        }

        private void PlanReload()
        {
            At("reload", startNs + (periodBeginTicks + activeReload + 1) * 1e9 / countedHz, EndPeriod);
        }

        private void PlanCompare()
        {
            Cancel("compare");
            var compare = this[Compare];
            if(!isRunning || compare == 0 || compare >= activeReload)
            {
                return;
            }
            var dueNs = startNs + (periodBeginTicks + compare) * 1e9 / countedHz;
            if(dueNs > Core.NowNs)
            {
                At("compare", dueNs, () => Change(CompareMatch, 0));
            }
        }

        private void EndPeriod()
        {
            periodBeginTicks += activeReload + 1;
            Change(ReloadMatch, 0);
            if(isSingle)
            {
                isRunning = false;
            }
            else
            {
                BeginPeriod();
            }
        }

        private uint Counted()
        {
            if(!isRunning)
            {
                return 0;
            }
            var ticks = (long)Math.Floor((Core.NowNs - startNs) * countedHz / 1e9) - periodBeginTicks;
            return (uint)Math.Max(0, Math.Min(ticks, activeReload));
        }

        private void Change(uint set, uint clear)
        {
            this[Status] = (this[Status] & ~clear) | set;
            IRQ.Set((this[Status] & this[InterruptEnable]) != 0);
        }

        private bool isRunning;
        private bool isSingle;
        private double startNs;
        private double countedHz;
        private long periodBeginTicks;
        private uint activeReload;
        private readonly IMachine machine;
        private readonly IClockTree clocks;

        /// <summary>Ticks until a write has arrived: 100-200 us were measured at 32768 Hz (Zephyr, pull request 46840).</summary>
        private const int WriteTicks = 4;
        private const long Status = 0x00;
        private const long Clear = 0x04;
        private const long InterruptEnable = 0x08;
        private const long Configuration = 0x0C;
        private const long Control = 0x10;
        private const long Compare = 0x14;
        private const long AutoReload = 0x18;
        private const long Counter = 0x1C;
        private const uint CompareMatch = 1;
        private const uint ReloadMatch = 1u << 1;
        private const uint CompareWritten = 1u << 3;
        private const uint ReloadWritten = 1u << 4;
        private const uint Enable = 1;
        private const uint StartSingle = 1u << 1;
        private const uint StartContinuous = 1u << 2;
        private const uint Preload = 1u << 22;
    }
}
