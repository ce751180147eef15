using System;
using System.Collections.Generic;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.UART;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>
    /// USART, UART and LPUART of the STM32L4 (RM0351, chapters 40 and 41): characters leave at the baud rate, one in
    /// the shift register and one waiting, by polling, interrupts or DMA; TC comes when the last has left. An idle
    /// frame goes out first when the transmitter has been switched on. What arrives is received at once. FIFOs, flow
    /// control, synchronous modes, break, mute and baud rate detection are not modelled.
    /// </summary>
    [AllowedTranslations(AllowedTranslation.ByteToDoubleWord | AllowedTranslation.WordToDoubleWord)]
    public class Usart : UARTBase, IDoubleWordPeripheral, IKnownSize, IDmaClient
    {
        public Usart(IMachine machine, CoreClock core, IClockTree clocks = null, uint kernelHz = 0,
            bool lowPower = false, L4Dma dma = null, L4Dma secondDma = null) : base(machine)
        {
            this.core = core;
            this.clocks = clocks;
            this.kernelHz = kernelHz;
            this.lowPower = lowPower;
            controllers = new[] { dma, secondDma }.Where(one => one != null).ToArray();
            foreach(var controller in controllers)
            {
                controller.Attach(this);
            }
            IRQ = new GPIO();
            words[Status] = Complete | TransmitEmpty;
        }

        public override void Reset()
        {
            base.Reset();
            core.Cancel(this, Line);
            words.Clear();
            words[Status] = Complete | TransmitEmpty;
            shifted = null;
            waiting = null;
            Update();
        }

        public uint ReadDoubleWord(long offset)
        {
            byte character;
            if(offset == ReceiveData && TryGetCharacter(out character))
            {
                words[ReceiveData] = character;
                Update();
            }
            return offset == Status ? Flags : Word(offset);
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            switch(offset)
            {
            case Status:
                break;
            case StatusClear:
                Change(0, value & Clearable);
                break;
            case Request:
                if((value & FlushReceived) != 0)
                {
                    ClearBuffer();
                }
                break;
            case TransmitData:
                Transmit((byte)value);
                break;
            case Control1:
                SetControl1(value);
                break;
            default:
                words[offset] = value;
                Update();
                DmaReady();
                break;
            }
        }

        public void DmaReady()
        {
            while(Has(Control3, TransmitDma) && CanSend && waiting == null)
            {
                var wasIdle = shifted == null;
                if(!AskDma(TransmitData))
                {
                    break;
                }
                if(waiting == null && (shifted == null) == wasIdle)
                {
                    this.Log(LogLevel.Warning, "its DMA channel writes elsewhere than to TDR");
                    break;
                }
            }
            TakeReceived();
        }

        public override Bits StopBits => new[] { Bits.One, Bits.Half, Bits.Two, Bits.OneAndAHalf }[Word(Control2) >> 12 & 3];

        public override Parity ParityBit => !Has(Control1, 1u << 10) ? Parity.None : Has(Control1, 1u << 9) ? Parity.Odd : Parity.Even;

        public override uint BaudRate => (uint)(1e9 / BitNs);

        public GPIO IRQ { get; }

        public long Size => 0x400;

        protected override void CharWritten()
        {
            Update();
            TakeReceived();
        }

        protected override void QueueEmptied()
        {
        }

        protected override bool IsReceiveEnabled => (Word(Control1) & (Enable | ReceiverOn)) == (Enable | ReceiverOn);

        private bool CanSend => (Word(Control1) & (Enable | TransmitterOn)) == (Enable | TransmitterOn);

        private double BitNs
        {
            get
            {
                string name;
                var hz = clocks == null ? kernelHz : clocks.KernelHz(Machine.TryGetLocalName(this, out name) ? name : "");
                var divider = Word(BaudDivider);
                if(Has(Control1, 1u << 15) && !lowPower)
                {
                    divider = ((divider & 0xFFF0) | (divider & 7) << 1) / 2;
                }
                if(divider == 0 || hz <= 0)
                {
                    this.Log(LogLevel.Warning, "character sent without baud rate or kernel clock");
                    return 1e8;
                }
                return divider * 1e9 / (hz * (lowPower ? 256 : 1));
            }
        }

        private double CharacterNs
        {
            get
            {
                var control = Word(Control1);
                var dataBits = new[] { 8, 9, 7, 7 }[control >> 12 & 1 | control >> 27 & 2];
                var stopBits = new[] { 1.0, 0.5, 2.0, 1.5 }[Word(Control2) >> 12 & 3];
                return (1 + dataBits + stopBits) * BitNs;
            }
        }

        private void SetControl1(uint value)
        {
            var couldSend = CanSend;
            var wasOn = Has(Control1, Enable);
            words[Control1] = value;
            var isOn = (value & Enable) != 0;
            var ready = (isOn && (value & TransmitterOn) != 0 ? TransmitterReady : 0u) | (isOn && (value & ReceiverOn) != 0 ? ReceiverReady : 0u);
            Change(ready, TransmitterReady | ReceiverReady);
            if(CanSend && !couldSend)
            {
                idleUntilNs = core.NowNs + CharacterNs;
            }
            else if(wasOn && !isOn)
            {
                SwitchOff();
            }
            DmaReady();
        }

        private void SwitchOff()
        {
            if(shifted != null)
            {
                this.Log(LogLevel.Warning, "switched off in the middle of a character");
            }
            core.Cancel(this, Line);
            shifted = null;
            waiting = null;
            ClearBuffer();
            Change(Complete, 0);
        }

        private void Transmit(byte character)
        {
            if(!CanSend)
            {
                this.Log(LogLevel.Warning, "character written while the transmitter is off");
            }
            else if(shifted == null)
            {
                Load(character, Math.Max(core.NowNs, idleUntilNs));
            }
            else
            {
                if(waiting != null)
                {
                    this.Log(LogLevel.Warning, "character written while the transmitter is full; it replaces the last");
                }
                waiting = character;
                Change(0, Complete);
            }
        }

        private void Load(byte character, double beginNs)
        {
            shifted = character;
            Change(0, Complete);
            core.At(this, Line, beginNs + CharacterNs, Sent);
        }

        private void Sent()
        {
            var character = shifted.Value;
            shifted = null;
            TransmitCharacter(character);
            if(waiting != null)
            {
                var next = waiting.Value;
                waiting = null;
                Load(next, core.NowNs);
            }
            DmaReady();
            Change(shifted == null ? Complete : 0, 0);
        }

        private void TakeReceived()
        {
            while(Count > 0 && Has(Control3, ReceiveDma))
            {
                var left = Count;
                if(!AskDma(ReceiveData))
                {
                    break;
                }
                if(Count == left)
                {
                    this.Log(LogLevel.Warning, "its DMA channel reads elsewhere than from RDR");
                    break;
                }
            }
        }

        private bool AskDma(long register)
        {
            var place = (ulong)Machine.GetSystemBus(this).GetRegistrationPoints(this).First().Range.StartAddress;
            return controllers.Any(controller => controller.Request(place + (ulong)register));
        }

        private uint Flags
        {
            get
            {
                var flags = Word(Status) & ~(TransmitEmpty | ReceiveFull);
                return flags | (waiting == null ? TransmitEmpty : 0) | (Count > 0 ? ReceiveFull : 0);
            }
        }

        private void Change(uint set, uint clear)
        {
            words[Status] = (Word(Status) & ~clear) | set;
            Update();
        }

        private void Update()
        {
            // RXNEIE, TCIE and TXEIE stand at the places of their flags.
            IRQ.Set((Flags & Word(Control1) & (ReceiveFull | Complete | TransmitEmpty)) != 0);
        }

        private bool Has(long offset, uint bits)
        {
            return (Word(offset) & bits) == bits;
        }

        private uint Word(long offset)
        {
            uint word;
            return words.TryGetValue(offset, out word) ? word : 0;
        }

        private byte? shifted;
        private byte? waiting;
        private double idleUntilNs;
        private readonly CoreClock core;
        private readonly IClockTree clocks;
        private readonly uint kernelHz;
        private readonly bool lowPower;
        private readonly L4Dma[] controllers;
        private readonly Dictionary<long, uint> words = new Dictionary<long, uint>();

        private const string Line = "line";
        private const long Control1 = 0x00;
        private const long Control2 = 0x04;
        private const long Control3 = 0x08;
        private const long BaudDivider = 0x0C;
        private const long Request = 0x18;
        private const long Status = 0x1C;
        private const long StatusClear = 0x20;
        private const long ReceiveData = 0x24;
        private const long TransmitData = 0x28;
        private const uint Enable = 1;
        private const uint ReceiverOn = 1u << 2;
        private const uint TransmitterOn = 1u << 3;
        private const uint ReceiveFull = 1u << 5;
        private const uint Complete = 1u << 6;
        private const uint TransmitEmpty = 1u << 7;
        private const uint TransmitterReady = 1u << 21;
        private const uint ReceiverReady = 1u << 22;
        private const uint ReceiveDma = 1u << 6;
        private const uint TransmitDma = 1u << 7;
        private const uint FlushReceived = 1u << 3;
        private const uint Clearable = 0x1F | 1u << 6 | 1u << 11 | 1u << 17 | 1u << 20;
    }
}
